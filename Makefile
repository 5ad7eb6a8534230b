# Eleven words: run, test, test-lfx, prove, check, fix, bench, chaos, examples, lock, clean. Each sets up what it needs;
# none needs root.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
EXTRAS := --extra anthropic --extra documents --extra google --extra knowledge --extra web
LOCK := uv pip compile pyproject.toml $(EXTRAS) --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --quiet

.PHONY: run test test-lfx prove check fix bench chaos examples lock clean

run: $(VENV)/run ## start the embedded server with the example flows
	$(BIN)/penstock up

test: $(VENV)/dev ## the whole suite; real services where their binaries are installed
	$(BIN)/pytest -n auto --dist worksteal

test-lfx: $(VENV)-lfx/ready ## the tests of penstock[lfx], in an environment of their own, some 700 MB
	$(VENV)-lfx/bin/python -m pytest -m lfx tests/flows/lfx

prove: $(VENV)/dev ## the proofs that take minutes: a death at every write, a thousand races of each kind
	$(BIN)/pytest -n auto --dist worksteal -m long

check: $(VENV)/dev ## format, lint, types, the direction of the rooms
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(VENV)/dev ## format, and mend what can be mended by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/dev ## measure; `make bench ARGS=--quick` for a short run
	$(BIN)/python -m bench $(ARGS)

chaos: $(VENV)/dev ## break a running Penstock in every way for ten minutes; `make chaos ARGS="--seed 7"` for the same again
	$(BIN)/python -m tests.chaos $(ARGS)

examples: $(VENV)/dev ## write the example flows anew from examples/writing.py
	$(BIN)/python -m examples.writing

lock: ## pin every dependency with hashes; needs uv
	$(LOCK) --group build -o requirements.lock
	$(LOCK) --group dev -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf $(VENV) $(VENV)-lfx

$(VENV)/run: requirements.lock pyproject.toml | $(BIN)/python
	$(call install,requirements.lock)
	touch $@

$(VENV)/dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(call install,requirements-dev.lock)
	touch $@ $(VENV)/run

$(VENV)-lfx/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)-lfx
	$(VENV)-lfx/bin/python -m pip install --quiet --disable-pip-version-check -e ".[lfx]" pytest
	touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; say which: make PYTHON=python3.12 ..."; exit 1; }
	$(if $(UV),uv venv --quiet --python $(PYTHON) $(VENV),$(PYTHON) -m venv $(VENV)) || { rm -rf $(VENV); exit 1; }

ifdef UV
define install
	uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1)
	uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
endef
else
define install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
endef
endif
