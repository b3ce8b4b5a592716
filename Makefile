# `make demo` and `make test` set up what they need; the rest is for work on Leadrole itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
export PYTHONUTF8 := 1

.PHONY: help demo docs semantic test test-fast lint format lock campaign campaign-marts bench-extract bench-build bench-staffing clean

help: ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/.runtime ## Run the nights of a made-up company and publish its report (two more nights each time)
	$(BIN)/leadrole demo $(DEMO)

# One process a core; a file stays in one process, as its nights are made once for all its tests.
PYTEST := $(BIN)/python -m pytest -q --numprocesses auto --maxprocesses 4 --dist loadfile

test: $(VENV)/.dev ## All tests
	$(PYTEST)

test-fast: $(VENV)/.dev ## The tests that need neither dbt, Great Expectations, Prefect, lifelines, a browser nor many whole companies
	$(PYTEST) -m "not slow"

campaign: $(VENV)/.dev campaign-marts ## Ten thousand random histories of four CRMs: nothing lost, stale, twice or a ghost (hours); and campaign-marts
	LEADROLE_HISTORIES=10000 $(PYTEST) tests/properties -k nothing_is_lost

campaign-marts: $(VENV)/.dev ## The marts of 200 random companies beside a second count in plain Python
	LEADROLE_COMPANIES=200 $(PYTEST) --dist load tests/test_second_count.py

semantic: .venv-semantic/.ready ## Install MetricFlow, beside and not among the pins; with it `make test` compares it with the marts

lint: $(VENV)/.dev ## Style, types, layers, dead code, SQL, dbt structure
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/mypy
	$(BIN)/sqlfluff lint dbt_project/models dbt_project/tests
	LEADROLE_RAW=.lint/raw.duckdb LEADROLE_CANDIDATE=.lint/candidate.duckdb DO_NOT_TRACK=1 $(BIN)/dbt --quiet parse \
		--project-dir dbt_project --profiles-dir dbt_project --target-path ../.lint/target --log-path .lint/logs \
		--vars '{as_of: "2026-01-01 00:00:00+00", data_through: "2026-01-01 00:00:00+00", publish_id: lint}'
	COLUMNS=180 $(BIN)/dbt-bouncer run --config-file dbt-bouncer.yml

docs: $(VENV)/.runtime ## Write docs/metrics.md from the metric catalogue
	$(BIN)/python docs/describe.py

format: $(VENV)/.dev ## Format Python
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(VENV)/.dev ## Resolve both lock files anew: pins and hashes, no index address
	$(PIP) install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra setup $(LOCK_FLAGS) -o requirements-dev.lock
	$(BIN)/uv pip compile pyproject.toml --extra setup -c requirements-dev.lock $(LOCK_FLAGS) -o requirements.lock

LOCK_FLAGS := --upgrade --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --no-strip-extras --quiet

bench-extract: $(VENV)/.runtime benchmarks/.venv/.ready ## Speed, memory and limits of a first load (benchmarks/README.md)
	$(BIN)/python benchmarks/extract.py $(BENCH)

bench-build: $(VENV)/.runtime ## Build and checks of companies with 10,000 to 1,000,000 leads (benchmarks/README.md)
	$(BIN)/python benchmarks/build.py $(BENCH)

bench-staffing: $(VENV)/.dev ## How often the hiring rules raise a false alarm in a year (benchmarks/README.md)
	$(BIN)/python benchmarks/staffing_simulation.py $(BENCH)

clean: ## Remove the environment and the demo company
	rm -rf $(VENV) demo benchmarks/.venv .venv-semantic

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 demo"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	@echo "installing the pinned packages (about a minute, once)"
	$(PIP) install --quiet --require-hashes -r requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "installing the pinned packages and the tools (about a minute, once)"
	$(PIP) install --quiet --require-hashes -r requirements-dev.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.runtime

# Outside the night's environment: what MetricFlow wants must never decide what the night runs with.
.venv-semantic/.ready: semantic/requirements.txt
	$(PYTHON) -m venv .venv-semantic
	.venv-semantic/bin/python -m pip --disable-pip-version-check install --quiet -r semantic/requirements.txt
	@touch $@

# dlt is what we compare with, and no part of the project: it lives in an environment of its own.
benchmarks/.venv/.ready: benchmarks/requirements.txt
	$(PYTHON) -m venv benchmarks/.venv
	benchmarks/.venv/bin/python -m pip --disable-pip-version-check install --quiet -r benchmarks/requirements.txt
	@touch $@
