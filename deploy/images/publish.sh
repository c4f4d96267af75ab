#!/usr/bin/env bash
# Builds every image of a revision, pushes it, signs its digest without a key of ours (sigstore, by the workflow's own
# identity), attaches the bill of materials, and writes the digests. Wants REGISTRY, REVISION, and PYTHON_IMAGE with a digest.
set -euo pipefail
cd "$(dirname "$0")/../.."

[[ "$PYTHON_IMAGE" == *@sha256:* ]] || { echo "PYTHON_IMAGE is named without its digest" >&2; exit 2; }
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
mkdir -p dist
make bom

declare -A family=([relay]=relay [gateway]=gateway [portal]=services [fleet]=services [ingest]=services [backup]=services)
for each in relay gateway services; do
    .venv/bin/python -m deploy.images.context "$each" "$build/$each"
done

echo "{" > dist/digests.json
separator=""
for image in "${!family[@]}"; do
    name="$REGISTRY/ora/$image"
    docker build --pull --build-arg "PYTHON_IMAGE=$PYTHON_IMAGE" --target "$image" \
        --label "org.opencontainers.image.revision=$REVISION" \
        --file "deploy/images/${family[$image]}.Dockerfile" --tag "$name:$REVISION" "$build/${family[$image]}"
    docker push "$name:$REVISION"
    pushed=$(docker inspect --format '{{index .RepoDigests 0}}' "$name:$REVISION")
    cosign sign --yes "$pushed"
    cosign attest --yes --type cyclonedx --predicate dist/bom/services.cdx.json "$pushed"
    printf '%s  "%s": "%s"' "$separator" "$image" "$pushed" >> dist/digests.json
    separator=$',\n'
done
printf '\n}\n' >> dist/digests.json
