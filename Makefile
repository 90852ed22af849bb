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

.PHONY: help demo test lint docs tests test-lowest test-newest dist changelog release-check stress soak fuzz bench mutation \
	matrix real-apps format messages lock rig redis clean \
	audit secrets

help:
	@echo "make demo    start the demo and print its address (ARGS='--wsgi' and the like are handed on)"
	@echo "make test    everything that must hold: lint, tests, coverage"
	@echo "make lint    ruff, mypy, pyright, import directions"
	@echo "make docs    build the documentation site into build/site, and check its links"
	@echo "make tests   the tests alone (PYTEST_ARGS='-k logout' and the like are handed on), with coverage"
	@echo "make test-lowest  run a part of the tests with the oldest dependencies that pyproject.toml admits (PART=tests)"
	@echo "make format  let ruff lay out the code"
	@echo "make messages  bring the translations of our pages in line with the templates, and say what is left to translate"
	@echo
	@echo "Before a release, not in CI:"
	@echo "make changelog   move what lies in changelog.d into CHANGELOG.md, under the version of pyproject.toml"
	@echo "make dist        build wheel and sdist of what is committed, twice, and compare the bytes"
	@echo "make test-newest run a part of the tests with the newest dependencies there are, on each Python from 3.11 on"
	@echo "make release-check  dist, what a package index will say of it, the wheel on each Python, lowest, newest, audit, secrets"
	@echo "make stress  kill workers, take Redis away, send many requests at once; real time, most of half an hour (STRESS='-k killed')"
	@echo "make soak    let 50 people use an app while FotoWeb misbehaves (SECONDS=3600), and judge memory and files"
	@echo "make fuzz    try a million inputs on each parser (RUNS=10000 LEAST=0 for a quick look; FUZZ='cookies')"
	@echo "make mutation  change the package line by line, and see that a test notices (MUTATION=fotoweb_middleware/request.py)"
	@echo "make bench   measure, and print a table (PARTS='known at_once' for some of it)"
	@echo "make matrix  try every framework on every server, and write docs/reference/compatibility.md (MATRIX='flask uwsgi' for some)"
	@echo "make real-apps  try the apps of docs/how-to/real-apps.md in a browser (APPS='dash wagtail' for some)"
	@echo
	@echo "make audit   look up known vulnerabilities of every locked package (asks the network)"
	@echo "make secrets look for passwords and keys in the project's files"
	@echo "make lock    bring requirements/*.lock in line with pyproject.toml (UPGRADE=--upgrade: newest versions)"
	@echo "make clean   remove everything that these commands made"

demo: .make/demo
	$(BIN)/fotoweb-middleware demo $(ARGS)

test: lint docs tests

lint: .make/dev .make/node
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tools.code_blocks build/code_blocks
	$(BIN)/mypy
	$(BIN)/pyright --warnings

# To read in a browser as it is: build/site/index.html. Asks the network for nothing.
docs: .make/docs/done
	.make/docs/bin/python tools/docs_site.py

tests: .make/dev .make/rig .make/redis
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(PYTEST_ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# Real servers, real time, and luck: what fails here once is looked at, and run again. Two at a time, on every server.
stress: .make/dev .make/rig .make/redis .make/pyfwapi/done .make/jobs/done .make/caches/done
	TEST_EVERY_SERVER=1 $(BIN)/pytest tests/stress tests/attacks --timeout 600 $(STRESS)

# The part of the tests that meets each dependency.
PART = tests/fotoweb tests/stores $(patsubst %,tests/behaviour/test_%.py,login callback refresh logout websocket trio)

# What the lower bounds in pyproject.toml promise. An environment of its own.
test-lowest: .make/lowest/done
	.make/lowest/bin/python -m pytest $(PART) $(PYTEST_ARGS)

# What somebody gets who installs today: no lock, the newest of everything, on each Python that is here. Asks the network.
EACH_PYTHON = $(shell for name in python3.11 python3.12 python3.13 python3.14; do \
	"$$name" -c '' 2>/dev/null && echo "$$name"; done)
test-newest:
	@for name in $(EACH_PYTHON); do \
		echo "$$name"; \
		"$$name" tools/make_venv.py .make/newest && \
		.make/newest/bin/python -m pip --quiet install --upgrade pip && \
		.make/newest/bin/python -m pip --quiet install --editable '.[redis,cli,testing]' --group test --group frameworks && \
		.make/newest/bin/python -m pytest $(PART) tests/integrations $(PYTEST_ARGS) || exit 1; \
	done

dist: .make/dev
	$(BIN)/python -m tools.dist dist

changelog: .make/release/done
	.make/release/bin/towncrier build --yes --version "$$($(BIN)/python -m hatchling version)"

release-check: dist .make/release/done
	.make/release/bin/twine check --strict dist/*
	$(BIN)/python -m tools.try_wheel dist/*.whl $(EACH_PYTHON)
	$(MAKE) test-lowest test-newest audit secrets

FUZZ = $(shell $(BIN)/python -m tests.fuzz.run --names)

# A million inputs for each parser, at low priority, one after another: most of an hour. It ends with an error where
# fewer than LEAST were tried in SECONDS. What raises or is slow lies in .make/fuzz-findings.
fuzz: SECONDS = 3600
fuzz: RUNS = 1000000
fuzz: LEAST = 1000000
fuzz: .make/fuzz
	@failed=0; for name in $(FUZZ); do \
		nice -n 19 $(BIN)/python -m tests.fuzz.run $$name \
			--seconds $(SECONDS) --runs $(RUNS) --least $(LEAST) || failed=1; \
	done; exit $$failed

soak: SECONDS = 60
soak: .make/dev
	nice -n 10 $(BIN)/python -m tests.soak.run --seconds $(SECONDS)

bench: .make/dev
	$(BIN)/python -m tests.benchmarks.run $(PARTS)

# Every framework on every server, two pairs at a time; also behind nginx (Debian's package). It writes the page unless
# MATRIX names some frameworks or servers.
matrix: .make/matrix/done
	.make/matrix/bin/python -m tests.matrix.run $(MATRIX)

# Each app in an environment of its own, with the version that docs/how-to/real-apps.md names. Asks the network.
real-apps: .make/dev
	$(BIN)/python -m tests.real_apps.run $(APPS)

# At low priority, an hour for all modules; survivors are printed.
mutation: .make/dev
	nice -n 19 $(BIN)/python -m tests.mutation.run $(MUTATION)

audit: .make/audit/done
	@failed=0; for lock in $(filter-out requirements/caches.lock,$(wildcard requirements/*.lock)); do \
		echo "$$lock"; .make/audit/bin/pip-audit --strict --disable-pip --require-hashes --requirement $$lock || failed=1; \
	done; exit $$failed

secrets: .make/audit/done
	.make/audit/bin/python tools/find_secrets.py $(ACCEPT)

format: .make/dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

messages: .make/dev
	$(BIN)/python tools/messages.py

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

# The package is installed in place, from a lock that holds its build tools too: nothing is resolved again.
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

# An environment of its own, with a Python of 3.12 or later; where there is none, its tests are skipped.
.make/pyfwapi/done: requirements/pyfwapi.lock | .make
	mkdir -p $(@D)
	@for name in $(PYTHONS); do \
		"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null || continue; \
		"$$name" tools/make_venv.py $(@D) || exit 1; \
		$(@D)/bin/python -m pip --disable-pip-version-check --quiet install --requirement $< || exit 1; \
		break; \
	done
	touch $@

.make/jobs/done .make/caches/done: .make/%/done: requirements/%.lock | .make
	"$(PYTHON)" tools/make_venv.py $(@D)
	$(@D)/bin/python -m pip --disable-pip-version-check --quiet install --requirement $<
	touch $@

.make/fuzz: .make/dev requirements/fuzz.lock
	$(PIP) install --requirement requirements/fuzz.lock
	touch $@

.make/lowest/done: requirements/lowest.lock pyproject.toml | .make
	"$(PYTHON)" tools/make_venv.py .make/lowest
	.make/lowest/bin/python -m pip --disable-pip-version-check --quiet install --requirement requirements/lowest.lock
	touch $@

.make/matrix/done: requirements/matrix.lock | .make
	"$(PYTHON)" tools/make_venv.py .make/matrix
	.make/matrix/bin/python -m pip --disable-pip-version-check --quiet install --requirement requirements/matrix.lock
	touch $@

.make/docs/done: requirements/docs.lock | .make
	"$(PYTHON)" tools/make_venv.py .make/docs
	.make/docs/bin/python -m pip --disable-pip-version-check --quiet install --requirement requirements/docs.lock
	touch $@

.make/release/done: requirements/release.lock | .make
	"$(PYTHON)" tools/make_venv.py .make/release
	.make/release/bin/python -m pip --disable-pip-version-check --quiet install --requirement requirements/release.lock
	touch $@

.make/audit/done: requirements/audit.lock | .make
	"$(PYTHON)" tools/make_venv.py .make/audit
	.make/audit/bin/python -m pip --disable-pip-version-check --quiet install --requirement requirements/audit.lock
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
	$(COMPILE) --resolution lowest-direct pyproject.toml --group test --extra redis --extra cli --extra testing \
		--output-file requirements/lowest.lock
	$(COMPILE) --group pyproject.toml:fuzz --constraint requirements/dev.lock --output-file requirements/fuzz.lock
	$(COMPILE) pyproject.toml --group matrix --extra testing --constraint requirements/dev.lock \
		--output-file requirements/matrix.lock
	$(COMPILE) --group pyproject.toml:docs --constraint requirements/dev.lock --output-file requirements/docs.lock
	$(COMPILE) --group pyproject.toml:audit --constraint requirements/dev.lock --output-file requirements/audit.lock
	$(COMPILE) --group pyproject.toml:release --constraint requirements/dev.lock --output-file requirements/release.lock
	$(COMPILE) --group pyproject.toml:node --constraint requirements/dev.lock --output-file requirements/node.lock
	$(COMPILE) pyproject.toml --group pyfwapi --extra testing --constraint requirements/dev.lock \
		--output-file requirements/pyfwapi.lock
	$(COMPILE) pyproject.toml --group jobs --extra redis --constraint requirements/dev.lock \
		--output-file requirements/jobs.lock
	$(COMPILE) pyproject.toml --group caches --extra testing --output-file requirements/caches.lock
	$(COMPILE) --group pyproject.toml:redis-server --constraint requirements/dev.lock \
		--output-file requirements/redis-server.lock

.make/uv/bin/uv: Makefile | .make
	"$(PYTHON)" tools/make_venv.py .make/uv
	.make/uv/bin/python -m pip --disable-pip-version-check --quiet install $(UV)
	touch $@
