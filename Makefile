# dicomhub: all set-up is part of the targets. Needs Python 3.11 or later with venv, and make.

VENV := .venv
PY := $(VENV)/bin/python
# A file of tests shares a stack of processes, so it stays together.
IN_PARALLEL := --numprocesses auto --dist loadfile
INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement

# The first of these that is recent enough; PYTHON=/path/to/python3 chooses another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

.DEFAULT_GOAL := help
.PHONY: help run demo test check doris-check bench express requirements clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: $(VENV)/.run express ## everything on this machine, in the foreground; Ctrl-C stops it
	@exec $(PY) -m dicomhub.embedded run

demo: $(VENV)/.run express ## store, find and retrieve sample files in a temporary home
	@exec $(PY) -m dicomhub.embedded demo

test: $(VENV)/.test express ## every test: on SQLite, then the database contract on PostgreSQL
	@sh .ci/system-packages
	$(PY) -m pytest $(IN_PARALLEL) $(PYTEST_ARGS)
	$(PY) -m pytest $(IN_PARALLEL) $(PYTEST_ARGS) --database postgresql \
		tests/accounts tests/archive tests/tenants tests/admin tests/dicomweb tests/pipeline tests/transcoding

check: $(VENV)/.lint ## lint, format, types, import contracts
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

doris-check: export DORIS_URL := $(DORIS_URL)
doris-check: $(VENV)/.test ## the warehouse's contract on a Doris of yours: make doris-check DORIS_URL=doris://...
	@[ -n "$$DORIS_URL" ] || { echo "Say which: make doris-check DORIS_URL=doris://user:password@host:8030/name" >&2; exit 1; }
	$(PY) -m pytest -k doris-cluster tests/warehouse $(PYTEST_ARGS)

bench: $(VENV)/.test express ## measure, and print tables
	@sh .ci/system-packages bench
	@set -e; for file in tests/bench/[a-z]*.py; do \
		$(PY) -m $$(echo $${file%.py} | tr / .); done

# Part of the others. Without a compiler of its own a machine gets one as a package; where there is none either,
# the SCP stores everything all the same, only slower.
express: | $(VENV)/bin/pip
	@$(PY) -m scp.express.build || { $(INSTALL) requirements/compiler.txt && $(PY) -m scp.express.build; } || true

# Compiles in the order of what includes what, each with the versions of the largest, so that one environment
# satisfies all of them.
REQUIREMENTS := lint test run worker web scp base compiler
requirements: ## compile requirements/*.in to pinned and hashed files
	@set -e; tools=$$(mktemp -d); trap 'rm -rf "$$tools"' EXIT; \
	$(PYTHON) -m venv "$$tools"; "$$tools/bin/python" -m pip install --quiet --disable-pip-version-check uv; \
	for name in $(REQUIREMENTS); do \
		constraint=; [ $$name = lint ] || constraint="--constraints requirements/lint.txt"; \
		"$$tools/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --no-emit-find-links --annotation-style line --custom-compile-command 'make requirements' \
			$$constraint $(UPGRADE) requirements/$$name.in --output-file requirements/$$name.txt; \
		echo "requirements/$$name.txt"; \
	done

clean: ## remove the virtual environment and all caches; var/ (the archive's state) stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each set of requirements, renewed when its file is: an installed set costs a start nothing.
$(VENV)/.%: requirements/%.txt | $(VENV)/bin/pip
	@echo "Installing requirements/$*.txt into $(VENV)"
	@$(INSTALL) $<
	@touch $@

$(VENV)/bin/pip:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Python 3.11 or later is needed and not on PATH: install it, or run make PYTHON=/path/to/python3" >&2; \
		exit 1; fi
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "This Python has no venv: install it (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
