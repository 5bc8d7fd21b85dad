# `make demo` and `make test` are all a newcomer needs; `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3.11
PORT ?= 3000
ENTRA_PORT ?= 8400
PY := .venv/bin/python
LOCK := .venv/bin/pip-compile -q --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --strip-extras --allow-unsafe

.DEFAULT_GOAL := help
.PHONY: help setup demo run test test-servers check format lock screenshots bench

help: ## List the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# The stamp is newer than the lock file once everything in it is installed.
.venv/.installed: requirements-dev.txt
	@command -v $(PYTHON) >/dev/null || { echo "PatchMon needs Python 3.11 or later; set PYTHON=/path/to/python."; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@echo "Installing what PatchMon needs into .venv (once) ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

setup: .venv/.installed ## Create the environment in .venv

demo: setup ## PatchMon beside a simulated Entra tenant (FRESH=1: nothing configured)
	@PORT=$(PORT) ENTRA_PORT=$(ENTRA_PORT) FRESH=$(FRESH) $(PY) -m entra_sim.demo

run: setup ## PatchMon alone, for a real tenant
	@$(PY) manage.py serve

test: setup ## Run every test that needs no server of its own
	@$(PY) -m pytest -n 2 --ignore tests/interop --ignore tests/races

test-servers: setup ## Run the tests against PostgreSQL, Redis and providers that others wrote
	@$(PY) -m pytest tests/interop tests/races

check: setup ## Formatter, linters, types, import contracts, migrations, deployment check
	@PATH="$(CURDIR)/.venv/bin:$$PATH" bash .ci/check

format: setup ## Format Python and templates
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix . ; .venv/bin/djade --target-version 5.2 $$(git ls-files '*.html')

lock: setup ## Lock the versions anew, with hashes and without addresses
	@$(LOCK) -o requirements.txt pyproject.toml
	@$(LOCK) --extra dev -c requirements.txt -o requirements-dev.txt pyproject.toml
	@$(LOCK) -c requirements.txt -o benchmarks/requirements.txt benchmarks/requirements.in

# The libraries that PatchMon is measured beside are no dependency of it, and stay out of .venv.
.venv-bench/.installed: benchmarks/requirements.txt
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	@echo "Installing the libraries to measure beside into .venv-bench (once) ..."
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/requirements.txt
	@touch $@

bench: setup .venv-bench/.installed ## Measure sign-ins beside other libraries, and pages at a million sign-ins (BENCH=--help)
	@$(PY) -m benchmarks $(BENCH)

screenshots: setup ## Screenshots of the main pages, in light and dark, at three widths
	@$(PY) -m tests.browser.screenshots
