# `make demo` and `make test` do all set-up by themselves: Debian with Python 3.11 or later, git and make is enough.
# Nothing here needs root. What only root can install (Chromium, Redis) is used where it is present.

SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
RIG := tests/providers/oidc-provider
# The first of these that is new enough; `make PYTHON=/some/python3 ...` takes another.
PYTHONS := python3 python3.13 python3.12 python3.11 python3.14
PYTHON = $(shell for name in $(PYTHONS); do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v "$$name"; break; }; done)

.PHONY: help demo test lint tests format lock rig redis clean

help:
	@echo "make demo    start the demo and print its address (ARGS='--wsgi' and the like are handed on)"
	@echo "make test    everything that must hold: lint, tests, coverage"
	@echo "make lint    ruff, mypy, pyright, import directions"
	@echo "make tests   the tests alone (PYTEST_ARGS='-k logout' and the like are handed on), with coverage"
	@echo "make format  let ruff lay out the code"
	@echo "make lock    bring requirements/*.lock in line with pyproject.toml (UPGRADE=--upgrade: newest versions)"
	@echo "make clean   remove everything that these commands made"

demo: .make/demo
	$(BIN)/fotoweb-middleware demo $(ARGS)

test: lint tests

lint: .make/dev .make/node
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright --warnings
	$(BIN)/lint-imports --no-logo

tests: .make/dev .make/rig .make/redis
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(PYTEST_ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

format: .make/dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

rig: .make/rig
redis: .make/redis

clean:
	rm -rf $(VENV) .make .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* \
		dist build $(RIG)/node_modules

# ------------------------------------------------------------------------------------------------------------- set-up
# A stamp in .make/ says that a step was done. Each depends on what it was done from, so a changed lock does it again,
# and a removed .venv does all of them again.

.make:
	mkdir -p .make

# No prerequisite: an environment that is there is never thrown away.
$(VENV)/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or later found (looked for: $(PYTHONS))." >&2; exit 1; }
	"$(PYTHON)" tools/make_venv.py $(VENV)

# The package is installed in place, from a lock that holds its build tools too: nothing is resolved anew.
.make/demo: $(VENV)/pyvenv.cfg requirements/demo.lock pyproject.toml | .make
	$(PIP) install --requirement requirements/demo.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

.make/dev: .make/demo requirements/dev.lock
	$(PIP) install --requirement requirements/dev.lock
	touch $@

# Node from PyPI only where the system has none: it takes 200 MB.
.make/node: .make/dev requirements/node.lock
	$(BIN)/python -m tests.providers.node found || $(PIP) install --requirement requirements/node.lock
	touch $@

.make/rig: .make/node $(RIG)/package.json $(RIG)/package-lock.json
	$(BIN)/python -m tests.providers.node install
	touch $@

.make/redis: .make/dev requirements/redis-server.lock
	$(BIN)/python -m tests.providers.redis_server || $(PIP) install --requirement requirements/redis-server.lock
	touch $@

# -------------------------------------------------------------------------------------------------------------- locks
# One resolution for every Python from 3.11 on and every platform, with hashes, naming no host.

UV := uv==0.13.9
COMPILE = .make/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(UPGRADE)

lock: .make/uv/bin/uv
	$(COMPILE) pyproject.toml --group dev --extra redis --extra demo --output-file requirements/dev.lock
	$(COMPILE) pyproject.toml --group build --extra demo --constraint requirements/dev.lock \
		--output-file requirements/demo.lock
	$(COMPILE) --group pyproject.toml:node --constraint requirements/dev.lock --output-file requirements/node.lock
	$(COMPILE) --group pyproject.toml:redis-server --constraint requirements/dev.lock \
		--output-file requirements/redis-server.lock

.make/uv/bin/uv: Makefile | .make
	"$(PYTHON)" tools/make_venv.py .make/uv
	.make/uv/bin/python -m pip --disable-pip-version-check --quiet install $(UV)
	touch $@
