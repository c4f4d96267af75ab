# Everything that is done often, by one word. `make help` lists it.
PYTHON ?= $(or $(firstword $(foreach each,python3 python3.14 python3.13 python3.12 python3.11,$(shell command -v $(each) >/dev/null 2>&1 && $(each) -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $(each)))),python3)
BIN := .venv/bin
# The rooms with Python of ours in them; generated code is checked by its generator.
ROOMS = $(foreach each,mesh relay fleet_svc portal_svc ingest_svc backup_svc gateway sdk hubsim devstack bench deploy tests proto/tools,$(if $(shell find $(each) -name '*.py' -print -quit 2>/dev/null),$(each)))
PROCESSES ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup up demo test lint fmt type proto proto-check firmware-test packages fuzz-api fuzz-relay filter-full bench chaos-relay chaos restore deploy-tools images bom audit down reset clean

help:  ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null || grep -h '## ' $(MAKEFILE_LIST)

setup:  ## Install everything into this folder: environment, locked packages, identity provider
	@$(PYTHON) devstack/bootstrap.py

up: setup  ## Start the whole system and leave it running; Ctrl-C stops it
	@$(BIN)/ora up

demo: setup  ## Tell the story of one sealed packet, step by step, each step verified
	@$(BIN)/ora demo

test: setup  ## Run all tests on real components
	@$(BIN)/python -m devstack.debian
	@$(BIN)/pytest -n $(PROCESSES) tests

lint: setup  ## Style, import rules, contracts
	@$(BIN)/ruff check $(ROOMS)
	@$(BIN)/ruff format --check $(ROOMS)
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python proto/tools/vendor_protos.py third_party
	@$(BIN)/buf lint
	@$(BIN)/buf format proto --diff --exit-code
	@$(BIN)/python proto/tools/breaking.py
	@$(BIN)/python -m deploy.check

fmt: setup  ## Put every file in its one form
	@$(BIN)/ruff check --fix-only --quiet $(ROOMS)
	@$(BIN)/ruff format $(ROOMS)
	@$(BIN)/buf format proto --write

type: setup  ## Check types, strictly
	@$(BIN)/mypy $(ROOMS)

proto: setup  ## Compile the contracts, and everything else that is made from them
	@$(BIN)/python proto/tools/generate.py
	@$(BIN)/python -m hubsim.generate
	@$(BIN)/python -m gateway.openapi
	@$(BIN)/python -m sdk.golden
	@$(BIN)/python -m proto.tools.firmware
	@$(BIN)/python -m deploy.observability.make
	@$(BIN)/python -m deploy.decisions
	@$(BIN)/python -m proto.tools.firmware.guide

proto-check: setup  ## Fail if what is made from the contracts is stale
	@$(BIN)/python proto/tools/generate.py --check
	@$(BIN)/python -m hubsim.generate --check
	@$(BIN)/python -m gateway.openapi --check
	@$(BIN)/python -m sdk.golden --check
	@$(BIN)/python -m proto.tools.firmware --check
	@$(BIN)/python -m proto.tools.firmware.sizes
	@$(BIN)/python -m proto.tools.firmware.guide --check
	@$(BIN)/python -m proto.tools.packages.freeze --check
	@$(BIN)/python proto/tools/record.py --check

firmware-test: setup  ## Build the C for Hubs with every warning an error, and run it on all vectors under sanitizers
	@$(BIN)/python -m devstack.debian
	@$(MAKE) --no-print-directory -C proto/firmware -j$(PROCESSES) check
	@$(MAKE) --no-print-directory -C proto/firmware sizes CFLAGS=-Os

fuzz-api: setup  ## Fuzz the REST API with many more cases than `make test` does (EXAMPLES=300 for each operation)
	@ORA_FUZZ_EXAMPLES=$(or $(EXAMPLES),300) $(BIN)/pytest -q tests/integration/gateway/test_gateway_fuzz.py tests/e2e/gateway/test_fuzz_api.py

packages: setup  ## Build what other teams take, into dist: wheels, C tarball, npm package; the same commit gives the same bytes
	@$(BIN)/python -m proto.tools.packages

filter-full: setup  ## Judge a million new payloads with forbidden keys hidden in them (SEED=… makes the same again)
	@seed=$${SEED:-$$(date +%s)}; echo "SEED=$$seed"; ORA_FILTER_SEED=$$seed ORA_FILTER_PAYLOADS=1000000 $(BIN)/pytest -q -n $(PROCESSES) --timeout 900 tests/unit/ingest_svc/domain/filter/test_planted.py

fuzz-relay: setup  ## Fuzz the relay's core, guided by coverage (SECONDS=60); what is new joins the corpus
	@$(BIN)/python -m pip install --quiet --require-hashes --no-deps --only-binary :all: -r tests/fuzz/requirements.txt
	@mkdir -p .fuzz/corpus .fuzz/found
	@$(BIN)/python -m tests.fuzz.relay_fuzz .fuzz/corpus tests/fuzz/corpus/relay -max_total_time=$(or $(SECONDS),60) -artifact_prefix=.fuzz/found/
	@$(BIN)/python -m tests.fuzz.relay_corpus .fuzz/corpus

bench: setup  ## Measure, and write the tables of docs/benchmarks.md
	@$(BIN)/python -m bench

chaos-relay: setup  ## Kill and pause nodes and Redis at random for two minutes, under 300 Hubs
	@ORA_CHAOS_SECONDS=120 ORA_CHAOS_HUBS=300 $(BIN)/pytest -s tests/chaos

chaos: setup  ## Kill, pause, cut off, fill up, expire and misdate one thing after another under load; write down what users saw (as root)
	@$(BIN)/python -m devstack.debian
	@$(BIN)/python -m bench faults

restore: setup  ## Hurt a database that archives its log, bring it back to the moment before, and verify it
	@$(BIN)/python -m deploy.restore.rehearsal

deploy-tools: setup  ## Install the tools that check and carry out a deployment
	@$(BIN)/python -c 'from deploy.tools import environment; environment.make()'

images: setup  ## Build every image with buildah on a base of debootstrap's, and start each (as root)
	@$(BIN)/python -m deploy.images.build

bom: setup  ## Write the bills of materials and the licences to dist/bom; fails at a licence that we do not ship with
	@$(BIN)/python -m deploy.bom

audit: deploy-tools  ## Ask the public registers for known vulnerabilities of what the locks hold
	@.venv/deploy/bin/pip-audit --disable-pip --require-hashes -r requirements.lock

down:  ## Stop what `ora up -d` left running
	@$(BIN)/ora down

reset:  ## Stop, and remove the state folder
	@$(BIN)/ora reset --yes

clean: reset  ## Remove everything that is not committed and that the other targets make again
	rm -rf .venv devstack/voltex/node_modules devstack/api/node_modules packages/npm/node_modules proto/firmware/build dist third_party .mypy_cache .ruff_cache .pytest_cache .hypothesis
