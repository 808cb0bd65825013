# `make` lists the targets. Settings of another shop: make refresh SETTINGS=my.toml
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo up refresh check test prove bench gallery clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
SETTINGS ?= wherehouse.toml
ORDER ?= 1025549
BIN := .venv/bin
READY := .venv/.ready
# Tests run in two processes, a file within one of them, so that what its tests share is made once; the long files come first.
WORKERS ?= 2
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## install everything into .venv and parse the dbt project

# Nothing but Python is needed: uv, which installs from uv.lock, is fetched into the environment that it then fills.
# --inexact leaves it there. Compiled bytecode halves what every start of Dagster and dbt costs.
$(READY): pyproject.toml uv.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv \
		|| { echo "python -m venv does not work here; on Debian: apt-get install python3-venv"; exit 2; }
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "Python 3.11 is needed: rm -r .venv; make setup PYTHON=/path/to/python3.11"; exit 2; }
	@$(BIN)/uv --version > /dev/null 2>&1 || $(BIN)/python -m pip install -q --disable-pip-version-check uv 2> /dev/null \
		|| uv --version > /dev/null || { echo "uv cannot be installed; is the package index in reach?"; exit 2; }
	@uv=$$($(BIN)/uv --version > /dev/null 2>&1 && echo $(BIN)/uv || echo uv); \
		UV_PROJECT_ENVIRONMENT=.venv $$uv sync --frozen --inexact --compile-bytecode --quiet
	@$(BIN)/wherehouse prepare
	@touch $@

# The demo's settings name the simulated vendors: they are served beside whatever asks them.
WORLD := --days 60 --orders-per-day 500 --seed 7
EXPORTS := products shipments notices carrier_charges promise_revisions
BESIDE = $(if $(shell grep -s SIMULATED_VENDORS $(SETTINGS)),$(BIN)/python -m simulator serve --world data/demo_world $(WORLD) --)

demo: setup ## a simulated shop, from vendors' APIs and files to its carrier scorecard
	@$(BIN)/python -m simulator files --out data/demo_drops --no-truth $(WORLD) $(EXPORTS:%=--only %)
	@$(BESIDE) $(BIN)/wherehouse refresh --settings wherehouse.toml

up: setup ## dashboards on http://127.0.0.1:8501 and Dagster on http://127.0.0.1:3000
	@eval "$$($(BIN)/wherehouse env --settings $(SETTINGS))"; \
	echo "dashboards  http://127.0.0.1:8501"; echo "Dagster     http://127.0.0.1:3000"; echo "Ctrl-C stops both"; \
	(cd dashboards && exec ../$(BIN)/streamlit run streamlit_app.py --server.address 127.0.0.1 --server.port 8501 \
		--server.headless true --browser.gatherUsageStats false > /dev/null) & \
	trap "kill $$! 2> /dev/null; exit 0" INT TERM EXIT; \
	PYTHONWARNINGS=ignore $(BESIDE) $(BIN)/dagster dev -m pipelines.definitions -h 127.0.0.1 -p 3000 --log-level error

refresh: setup ## one refresh of SETTINGS (wherehouse.toml)
	@$(BESIDE) $(BIN)/wherehouse refresh --settings $(SETTINGS)

check: setup ## format, types, imports, SQL, architecture
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest tests/architecture

test: setup ## all tests but the long forms
	@$(PYTEST)

prove: setup ## the long forms of what we claim
	@$(PYTEST) -m prove

bench: setup ## the speed figures, beside the limit
	@$(BIN)/python -m benchmarks

gallery: setup ## pictures of all pages for the README, after `make demo` (needs Chromium)
	@eval "$$($(BIN)/wherehouse env --settings $(SETTINGS))"; $(BIN)/python docs/gallery.py $(ORDER)

clean: ## remove the environment, caches and the demo's data; your own data stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dbt_project/target data/demo data/demo_shop data/demo_drops data/demo_world
