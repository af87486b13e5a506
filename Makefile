# make demo      install, then train, measure and use a small model on the bundled sample set
# make test      what every change must pass
# make check     lint, types, layers, spelling: what CI does besides the tests
# make test-all  also the slow tests, and the GPU tests where there is one
# make docs      the documentation site, in site/
# make bench     the benchmarks against peers

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# One process a core. A process begins with tests that stand together, so that they share what they
# need, and takes over tests of another when it has none left.
PYTEST := $(BIN)/python -m pytest -q -n logical --maxprocesses 8 --dist worksteal

.PHONY: demo test test-all check format docs bench clean

demo: $(VENV)/base
	$(BIN)/wenlu demo

test: $(VENV)/dev
	$(PYTEST) -m "not slow and not gpu"

test-all: $(VENV)/dev
	$(PYTEST)

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell src tests docs bench README.md CHANGELOG.md CONTRIBUTING.md

format: $(VENV)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/docs
	$(BIN)/zensical build --clean

bench: $(VENV)/bench
	$(BIN)/python -m bench.fine_tuning
	$(BIN)/python -m bench.predicting
	$(BIN)/python -m bench.pretraining
	$(BIN)/python -m bench.spans
	$(BIN)/python -m bench.reading
	$(BIN)/python -m bench.gradient_checkpointing
	$(BIN)/python -m bench.loading
	$(BIN)/python -m bench.shuffle
	$(BIN)/python -m bench.counting

clean:
	rm -rf $(VENV) site dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "wenlu needs Python 3.11 or newer; say which one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/base: $(VENV)/made pyproject.toml constraints.txt
	$(PIP) -e .
	touch $@

$(VENV)/dev: $(VENV)/base
	$(PIP) -e '.[dev]'
	touch $@

$(VENV)/docs: $(VENV)/base
	$(PIP) -e '.[docs]'
	touch $@

$(VENV)/bench: $(VENV)/base
	$(PIP) -e '.[bench]'
	touch $@
