# Everything a newcomer or a maintainer runs. `make help` lists it.
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

ENV := .venv
PY := $(ENV)/bin/python
STAMP := $(ENV)/.installed
# Why: two test workers on two cores; numeric libraries that start threads of their own only wait.
# And what is compiled once is kept, whatever the shell says: each worker and each command that a
# test starts would compile it anew.
TESTING := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=
# Why apart: to check the shapes of every call doubles the time of a test. It is done on the tests that
# are not LONG, which call every room.
LONG := slow or service or hypothesis
SHAPES := --jaxtyping-packages=patronage,beartype.beartype
CODE := src tests $(wildcard scripts/*.py) $(wildcard benchmarks)
DEMO_DIR ?= demo-report

.PHONY: setup demo test check fix bench conformance docs help

setup: $(STAMP)  ## make .venv with everything, .venv/bin/patronage included
	@echo "$(ENV) is ready: $(ENV)/bin/patronage"

$(STAMP): requirements/dev.txt pyproject.toml scripts/setup
	@scripts/setup
	@touch $@

demo: $(STAMP)  ## a full run on a simulated sample; ends with a report
	@$(ENV)/bin/patronage demo --out $(DEMO_DIR)
	@test -s $(DEMO_DIR)/report.html
	@echo "The report lies in $(DEMO_DIR)/report.html"

test: $(STAMP)  ## every test, with the services that they need; shapes are checked
	@HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-ci} $(TESTING) scripts/services run \
		$(PY) -m pytest -q -n auto --dist loadfile -m "$(LONG)" $(ARGS)
	@$(TESTING) $(PY) -m pytest -q -n auto --dist loadfile -m "not ($(LONG))" $(SHAPES) $(ARGS)

check: $(STAMP)  ## lint, format, types, layers and the fast tests: under three minutes
	@$(PY) -m ruff check --quiet $(CODE)
	@$(PY) -m ruff format --check --quiet $(CODE) || { echo "To mend: make fix"; exit 1; }
	@$(PY) -m mypy --no-error-summary
	@found=$$($(ENV)/bin/lint-imports --no-logo 2>&1) || { echo "$$found"; exit 1; }
	@$(TESTING) $(PY) -m pytest -q -n 2 --dist loadfile -m "not slow and not service" $(ARGS)

fix: $(STAMP)  ## mend what a tool can mend: lint and format
	@$(PY) -m ruff check --fix --quiet $(CODE) || true
	@$(PY) -m ruff format --quiet $(CODE)

bench: $(STAMP)  ## speed and accuracy against the peers, in environments of their own
	@scripts/bench $(ARGS)

conformance: $(STAMP)  ## published numbers: who passes, we and the peers
	@scripts/peers
	@$(PY) tests/conformance/run.py

docs: $(STAMP)  ## write the reference pages in docs/ from the code
	@$(PY) scripts/write_reference.py

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
