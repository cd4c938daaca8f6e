# Two commands are enough to begin with: `make run` and `make test`. Both do all the setting up they need.
#   make run PORT=9000        make test ARGS="-k viewer"        make setup PYTHON=python3.13
.PHONY: help setup run test proof conformance lint types fmt lock
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
SETUP = @PYTHON="$(PYTHON)" sh scripts/setup.sh
PY = .venv/bin/python
COMPILE = $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)
ARGS =
# Test processes: they mostly wait, for audio in real time.
JOBS = 4

help: ## say what there is to make
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile | while read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

setup: ## make .venv and install the locked packages
	$(SETUP) requirements-dev.txt

run: ## run Captions with a demo room on http://127.0.0.1:8000 (PORT, HOST)
	$(SETUP) requirements-engine.txt
	@PORT="$(PORT)" HOST="$(HOST)" exec $(PY) manage.py quickstart

test: ## run every test (ARGS goes to pytest, JOBS=0 runs one at a time)
	$(SETUP) requirements-dev.txt
	@sh scripts/test-programs.sh
	@$(PY) -m pytest -n $(JOBS) --dist worksteal $(ARGS)

proof: ## run the long proofs, with figures (ARGS goes to pytest)
	$(SETUP) requirements-dev.txt
	@sh scripts/test-programs.sh
	@$(PY) -m pytest -m long -s $(ARGS)

lint: ## check style and formatting
	$(SETUP) requirements-dev.txt
	@$(PY) -m ruff check
	@$(PY) -m ruff format --check
	@$(PY) manage.py makemigrations --check --dry-run

types: ## check types
	$(SETUP) requirements-dev.txt
	@$(PY) -m mypy

fmt: ## put the code into shape
	$(SETUP) requirements-dev.txt
	@$(PY) -m ruff check --fix --quiet || true
	@$(PY) -m ruff format

conformance: ## hold the embedded engine against Pipecat's service for Gradium (a venv of its own)
	$(SETUP) requirements-dev.txt
	@$(PY) -m tests.conformance

lock: ## compile the lock files from pyproject.toml (UPGRADE=1: to the newest versions)
	$(SETUP) requirements-dev.txt
	@$(COMPILE) pyproject.toml -o requirements.txt
	@$(COMPILE) --extra engine -c requirements.txt pyproject.toml -o requirements-engine.txt
	@$(COMPILE) --extra engine --group dev -c requirements-engine.txt pyproject.toml -o requirements-dev.txt
	@$(COMPILE) tests/conformance/requirements.in -o tests/conformance/requirements.txt
