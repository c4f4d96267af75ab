# The services that keep rows: portal, fleet, ingest, backup. One image each, by target:
#   buildah bud -f deploy/images/services.Dockerfile --target fleet …
# The context is made by `python -m deploy.images.context`: the rooms that serve, and every wheel by its hash, so that a
# build asks no network. PYTHON_IMAGE is given with its digest (`name@sha256:…`) wherever an image is published.
ARG PYTHON_IMAGE=docker.io/library/python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS packages
WORKDIR /build
COPY wheels/ wheels/
COPY runtime.lock ./
RUN python3 -m venv /opt/ora \
 && /opt/ora/bin/pip install --no-cache-dir --no-index --find-links wheels --require-hashes --no-deps -r runtime.lock \
 && /opt/ora/bin/pip uninstall --yes --quiet pip setuptools

FROM ${PYTHON_IMAGE} AS base
ENV PYTHONPATH=/opt/ora/src:/opt/ora/src/proto/python PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY --from=packages /opt/ora /opt/ora
COPY proto/python /opt/ora/src/proto/python
COPY mesh /opt/ora/src/mesh
WORKDIR /opt/ora/src
# No name for it in the image's passwd is needed, and none is there.
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["/opt/ora/bin/python", "-m", "mesh.vitals", "readyz"]
ENTRYPOINT ["/opt/ora/bin/python", "-m"]

FROM base AS portal
COPY portal_svc /opt/ora/src/portal_svc
CMD ["portal_svc"]

FROM base AS fleet
COPY fleet_svc /opt/ora/src/fleet_svc
CMD ["fleet_svc"]

FROM base AS ingest
COPY ingest_svc /opt/ora/src/ingest_svc
CMD ["ingest_svc"]

FROM base AS backup
COPY backup_svc /opt/ora/src/backup_svc
CMD ["backup_svc"]
