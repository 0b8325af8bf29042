# Everything that is done in a checkout. Each target sets up what it needs in .venv; Python 3.11 and make are enough.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test lint format bench bench-forecast bench-rules wheel docs lock clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(INSTALLED)  ## see it work: a sample application, its logs and a web page (DEMO_ARGS="--duration 60s")
	@$(BIN)/logagent demo $(DEMO_ARGS)

test: $(INSTALLED)  ## run every test (PYTEST_ARGS="-k budget" for some)
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(PYTEST_ARGS)

lint: $(INSTALLED)  ## check style, format, types and import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(INSTALLED)  ## mend style and format where that needs no thought
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED)  ## measure lines a second, processor time and memory against the floor (BENCH_ARGS=…)
	$(BIN)/python -m benchmarks.bench $(BENCH_ARGS)

bench-forecast: $(INSTALLED)  ## measure how far forecasts of spend are from what came (FORECAST_ARGS="--seeds 10")
	$(BIN)/python -m benchmarks.forecast $(FORECAST_ARGS)

bench-rules: $(INSTALLED)  ## measure what 10, 100 and 1,000 rules cost a line (RULES_ARGS="--runs 5")
	$(BIN)/python -m benchmarks.rules $(RULES_ARGS)

wheel: $(INSTALLED)  ## build the package to install elsewhere, into dist/
	$(BIN)/python -m build --no-isolation

docs: $(INSTALLED)  ## write the tables of docs/ anew from the code
	$(BIN)/python tests/document_tables.py

lock:  ## pin the dependencies anew (LOCK_ARGS=--upgrade for the newest releases)
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet uv
	build/lock/bin/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	  --quiet --output-file requirements-dev.lock $(LOCK_ARGS)

clean:  ## remove all that the other targets made
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'logagent needs Python 3.11 or later; name one: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo 'this Python cannot make environments; on Debian: apt-get install python3-venv' >&2; exit 1; }
	@echo 'installing what is needed into $(VENV), once'
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes --requirement requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
