# Two commands on a fresh machine with Python 3.11+ and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PATH := $(BIN):$(PATH)
export OMP_NUM_THREADS := 1
# Tests run beside each other in so many processes: `make test WORKERS=8`.
WORKERS ?= 2
# Built-ins that passed the conformance kit, and groups of tests that passed, with the same sources
# and versions are left out, but for a tenth of them, and of plugins under a changed core three in
# four; `make test LOCKS=` tries all.
LOCKS ?= --changed --core-share 4
unexport PYTHONPATH
# Without its cache each process rewrites 300 test files, which takes 10 CPU seconds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test kit-lock install lint types layers docs clean help
.DEFAULT_GOAL := help

help: ## Say what there is.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

install: $(STAMP) ## Create .venv and install everything from PyPI.

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "adversity needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[demo,dev,docs]'
	touch $(STAMP)

demo: $(STAMP) ## Run the demo on real photos and say where the report is.
	adversity run pipelines/enhance_classify_attack_report.yaml

test: $(STAMP) ## Run the fast tests; WORKERS=8 for more than two at a time.
	python -m pytest -q -n $(WORKERS) -m 'not slow and not peers' $(LOCKS) $(PYTEST_ARGS)

kit-lock: $(STAMP) ## Run the conformance kit on changed built-ins; tests/kit.lock says who passed.
	python -m pytest -q -n $(WORKERS) --changed --write-lock tests/testing/test_builtins.py

lint: $(STAMP) ## Check format and lint.
	ruff format --check core flows plugins integrations tests benchmarks docs/site
	ruff check core flows plugins integrations tests benchmarks docs/site

types: $(STAMP) ## Check types.
	mypy

layers: $(STAMP) ## Check that imports only go down.
	lint-imports

docs: $(STAMP) ## Build the documentation into site/; a warning is an error.
	rm -rf site
	python -m sphinx -q -W --keep-going -c docs/site . site
	@echo "site/index.html"

clean: ## Remove what was made here, but not the environment.
	rm -rf .adversity artifacts metrics data runs dist site .mypy_cache
