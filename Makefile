# Every target sets up what it needs: a virtual environment with hash-pinned dependencies, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo night-shift console screenshots up engine test test-engine test-provider test-fast mutants hostile lint format docs lock bench bench-api \
  storm clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## create .venv with hash-pinned dependencies

$(INSTALLED): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "img-pipeline needs Python 3.11 or newer; try make PYTHON=python3.11")'
	@echo "setup: installing pinned dependencies into $(VENV) (about a minute, once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## real images through the real workflow, here; FILES="a.jpg b.png" for your own
	@$(BIN)/python -m demo $(FILES)

night-shift: setup ## a recorded incident: 200 failed files found, explained, fixed and replayed
	@$(BIN)/python -m demo.night_shift

console: ## build the web console, which needs Node.js; without it everything else works
	@if command -v npm >/dev/null; then \
	  cd console && npm ci --silent --no-audit --no-fund && npm run --silent build -- --logLevel warn; \
	else \
	  echo "console: not built, because there is no Node.js (npm); everything else works"; \
	fi

up: setup console ## keep the embedded cloud running; PORT=4566, DATA=folder to keep its state, FAST_RETRY=1 for failures
	@$(BIN)/python -m localcloud.up $(if $(PORT),--port "$(PORT)") $(if $(DATA),--data-directory "$(DATA)") \
	  $(if $(FAST_RETRY),--fast-retry)

engine: setup ## a Pulumi CLI into the cache where none is: downloaded, else built from its public Go modules
	@$(BIN)/python -m tests.engine.make_cli

test: setup ## the whole suite; Pulumi's own engine is left out where there is no CLI (make engine)
	@$(BIN)/python -m pytest --numprocesses auto

test-engine: engine ## the whole program under Pulumi's own engine, against the embedded cloud
	@$(BIN)/python -m pytest tests/engine

test-provider: engine ## the real AWS provider against the embedded cloud, where its plugin is installed; else a stand-in
	@$(BIN)/python -m pytest tests/provider -rs -m ""

test-fast: setup ## all but the embedded cloud's tests, in seconds
	@$(BIN)/python -m pytest --numprocesses auto tests/unit tests/infra

mutants: setup ## small defects, one at a time, that the tests must notice; MUTANTS=40 SEED=1
	@$(BIN)/python -m tests.mutants $(if $(MUTANTS),--mutants "$(MUTANTS)") $(if $(SEED),--seed "$(SEED)")

hostile: setup ## malformed pictures, tables and requests, each of which must end in a verdict; SEED=1 INPUTS=1000
	@$(BIN)/python -m tests.hostile $(if $(SEED),--seed "$(SEED)") $(if $(INPUTS),--inputs "$(INPUTS)")

lint: setup ## ruff and pyright
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright

format: setup ## rewrite the code to the house format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: setup ## rewrite the generated tables in the documentation and docs/openapi.json
	@$(BIN)/python -m docs

lock: setup ## pin requirements.in and each layer in functions/layers with hashes
	@$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-find-links --no-emit-index-url --no-emit-trusted-host \
	  --output-file requirements.txt requirements.in
	@for layer in functions/layers/*.in; do \
	  $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --no-emit-find-links --no-emit-index-url --no-emit-trusted-host \
	    --constraint requirements.txt --output-file "$${layer%.in}.txt" "$$layer" || exit 1; \
	done

screenshots: setup console ## take the README's pictures of the console, which needs Chromium
	@$(BIN)/python -m docs.screenshots

bench: setup ## measure beside other programs, and write docs/performance.md; SECTION=images for one section
	@$(BIN)/python -m bench $(if $(SECTION),--section "$(SECTION)")

bench-api: setup ## the API: 200 clients for a minute, every job accounted for; latency beside bare presigning
	@$(BIN)/python -m bench.api_clients
	@$(BIN)/python -m bench.api_latency

storm: setup ## faults under load, every file accounted for: docs/reliability.md; FILES=, SECONDS=, REPLAYS=, SEED=, FULL=1
	@$(BIN)/python -m storm --report docs/reliability.md $(if $(FULL),--full) $(if $(FILES),--files "$(FILES)") \
	  $(if $(SECONDS),--seconds "$(SECONDS)") $(if $(REPLAYS),--replays "$(REPLAYS)") $(if $(SEED),--seed "$(SEED)")

clean: ## remove the virtual environment and everything built
	rm -rf $(VENV) .build
