# What each target does is in the README. All of them install what is missing first; the set-up itself needs only Python 3.11.
SHELL := /bin/bash
PY := $(or $(ENCLAVE_PREFIX),/opt/enclave)/venv/bin/python
OPA := $(or $(ENCLAVE_PREFIX),/opt/enclave)/bin/opa
COMPILE := pip-compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --strip-extras --allow-unsafe

.PHONY: demo install test check bench fuzz down lock

demo:
	@python3 deploy/machine demo

install:
	@python3 deploy/machine install

test: install
	@$(PY) -m tests

check: install
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(dir $(PY))lint-imports
	$(OPA) check --strict policies
	$(OPA) test policies

bench: install
	@$(PY) -m tests.bench

# Half an hour of one core. `make test` asks the first 5,000, and the same examples of the properties in every run.
fuzz: install
	@ENCLAVE_FUZZ=100000 nice -n 15 $(PY) -m pytest tests/unit/query/test_fuzz_grammar.py tests/property

down:
	@enclave down --site demo

# Needs a package index; minutes. The locks carry digests and no addresses.
lock:
	@test -x build/lock/bin/pip-compile || (python3 -m venv build/lock && build/lock/bin/pip install -q pip-tools)
	cd deploy && ../build/lock/bin/$(COMPILE) -o requirements.txt requirements.in
	cd deploy && ../build/lock/bin/$(COMPILE) -o requirements-dev.txt requirements-dev.in
