# Every target sets up what it needs in .venv by itself: Python 3.11 or newer and make are enough.

PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
RUN := .venv/bin/python -m
INSTALLED := .venv/.installed
# Two at a time, each with a PostgreSQL of its own; the tests of a file stay together, long files come first.
PYTEST = $(RUN) pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)
COMPILE := .venv/bin/uv pip compile --quiet --universal --no-header --generate-hashes --python-version 3.11 \
	$(if $(UPGRADE),--upgrade)

.PHONY: all help demo test serve check bench faults attacks fuzz requirements clean

all: help

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-22s%s\n", $$1, $$2 }'

demo: $(INSTALLED) ## play the whole journey of a signal against a throw-away server
	@$(RUN) service demo

test: $(INSTALLED) ## run the tests on SQLite and PostgreSQL (PYTEST_ARGS="-k word" for some)
	$(PYTEST)

serve: $(INSTALLED) ## serve on port 8000, with a SQLite database in var/
	@mkdir -p var
	$(RUN) service migrate
	$(RUN) service serve

check: $(INSTALLED) ## format, style, types, arrows, OpenAPI, then the tests
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo
	$(RUN) service openapi --check
	$(PYTEST)

bench: $(INSTALLED) ## measure against the anchors (QUICK=1: within five minutes; ONLY=releases: that section)
	$(RUN) tests.bench $(if $(QUICK),--quick) $(if $(ONLY),--$(ONLY))

faults: $(INSTALLED) ## only the tests that kill, cut off and fill up
	FAULTS=heavy $(RUN) pytest tests/faults $(PYTEST_ARGS)

attacks: $(INSTALLED) ## only the attacks on released statistics, at all sizes
	ATTACKS=heavy $(RUN) tests.attacks $(PYTEST_ARGS)

fuzz: $(INSTALLED) ## only schemathesis, longer, as each role on all operations and both databases
	SCHEMATHESIS=heavy $(RUN) pytest tests/house/test_schemathesis.py $(PYTEST_ARGS)

requirements: $(INSTALLED) ## pin what pyproject.toml asks for, with hashes (UPGRADE=1: newest versions)
	$(COMPILE) pyproject.toml --output-file requirements/runtime.txt
	$(COMPILE) pyproject.toml --extra dev --output-file requirements/dev.txt

clean: ## remove .venv and everything generated, but not var/
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3" >&2; exit 1; }
	"$(PYTHON)" -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
