# `make demo`, `make test`, `make check` and `make bench` set up all they need; only Python 3.11 or newer must be there.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test environments check bench docs reference

.venv/ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

.venv-vendor-clients/ready: requirements/vendor-clients.txt
	$(PYTHON) -m venv .venv-vendor-clients
	.venv-vendor-clients/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

# 400 MB, so only `make check` asks for it.
.venv-vendor-pytd/ready: requirements/vendor-pytd.txt
	$(PYTHON) -m venv .venv-vendor-pytd
	.venv-vendor-pytd/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

# 450 MB, and it needs Java; so only `make check` asks for it.
.venv-spark-server/ready: requirements/spark-server.txt
	$(PYTHON) -m venv .venv-spark-server
	.venv-spark-server/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

demo: .venv/ready
	$(BIN)/python examples/demo/story.py

.venv-bench/ready: requirements/bench.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

.venv-docs/ready: requirements/docs.txt
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

test: .venv/ready .venv-vendor-clients/ready
	$(BIN)/pytest -m "not slow" -n 3 --dist worksteal

# All that `make check` needs to be there; with `make -j` they are made side by side.
environments: .venv/ready .venv-vendor-clients/ready .venv-vendor-pytd/ready .venv-spark-server/ready .venv-docs/ready

check: environments
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 3 --dist worksteal

bench: .venv/ready .venv-bench/ready
	BENCH_PYTHON=$(CURDIR)/.venv-bench/bin/python $(BIN)/python bench/run.py

# What stands in docs/reference is made of the source and committed; a test tells when it has to be made anew.
reference: .venv/ready
	$(BIN)/python docs/making/pages.py

docs: reference .venv-docs/ready
	.venv-docs/bin/sphinx-build -W --keep-going -q -c docs -d build/doctrees . build/site
	@echo build/site/index.html
