# Needs Python 3.11 or newer with pip, and make. Another Python: make setup PYTHON=python3.12

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(PYTHON) -m pip --disable-pip-version-check --python $(BIN)/python

COMPILE = $(BIN)/uv pip compile --quiet --universal --fork-strategy fewest --generate-hashes \
	--python-version 3.11 --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
LOCK = $(COMPILE) --extra dev
# What running needs, of the same versions, less what Chroma's own cloud alone imports (Kubernetes'
# client, with what only that needs) and what downloads models from Hugging Face, which nothing here does.
UNUSED = kubernetes durationpy oauthlib requests-oauthlib six websocket-client hf-xet
LOCK_RUN = $(COMPILE) --extra build --constraint requirements.lock $(addprefix --no-emit-package ,$(UNUSED))

.DEFAULT_GOAL := help
.PHONY: help setup chat test torture fuzz lint typecheck format lock audit bench bench-retrieval bench-embeddings bench-answers bench-scale bench-growth bench-follow bench-page bench-load screenshots fit fit-embedding clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/.installed $(VENV)/.runs ## install everything, pinned, into .venv
	@:

chat: $(VENV)/.runs ## open the chat page, installing what it needs; elsewhere: PORT=8000
	@echo "starting; the first time takes longest …"
	@$(BIN)/python app.py $(if $(PORT),--port $(PORT))

test: lint typecheck ## lint, types and tests with coverage
	$(BIN)/pytest -rs --cov --cov-fail-under 0 --cov-report= --numprocesses auto --dist loadfile -m "not browser and not torture"
	$(BIN)/pytest -rs --cov --cov-append -m "browser and not torture"

lint: setup ## style, formatting and the import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo

typecheck: setup ## mypy --strict
	$(BIN)/mypy

format: setup ## format the code and fix what can be fixed
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

lock: setup ## renew the lock files after a change in pyproject.toml (newer versions: LOCK_FLAGS=--upgrade)
	$(LOCK) --output-file requirements.lock $(LOCK_FLAGS) pyproject.toml
	$(LOCK_RUN) --output-file requirements-run.lock $(LOCK_FLAGS) pyproject.toml

audit: setup ## known weaknesses, licences, unused dependencies, and whether the lock is reproducible
	@cp requirements.lock requirements-run.lock $(VENV)/
	@$(LOCK) --output-file $(VENV)/requirements.lock pyproject.toml && \
		$(LOCK_RUN) --output-file $(VENV)/requirements-run.lock pyproject.toml || \
		{ echo "lock: NOT CHECKED, the package index cannot be reached" >&2; exit 3; }
	@cmp -s requirements.lock $(VENV)/requirements.lock && \
		cmp -s requirements-run.lock $(VENV)/requirements-run.lock || \
		{ echo "lock: not what pyproject.toml gives; run make lock" >&2; exit 1; }
	@echo "lock: reproducible"
	$(BIN)/python scripts/audit.py

torture: setup ## a hundred kills each of ingest, chat saving and feedback, and what was seen
	$(BIN)/pytest -m torture -s -q tests/faults

bench: setup ## speed and memory, as a table
	$(BIN)/python benchmarks/bench.py

bench-retrieval: setup ## every way of retrieving by kind of question, with intervals (docs/retrieval.md)
	$(BIN)/python benchmarks/retrieval.py

bench-embeddings: setup ## embeddings that need no key, those that are installed, alone and fused (docs/retrieval.md)
	$(BIN)/python benchmarks/embeddings.py

bench-answers: setup ## answers without a model, and what the verifier catches (docs/answers.md)
	$(BIN)/python benchmarks/answers.py

bench-scale: setup ## indexing and retrieval as the corpus grows; some sizes only: SIZES="1000 10000"
	$(BIN)/python benchmarks/scale.py $(SIZES)

bench-growth: setup ## what the cost of hostile texts grows with; some readers only: READERS="terms names"
	$(BIN)/python benchmarks/growth.py $(READERS)

fuzz: setup ## hostile texts at every door for long: 50 times the examples, then by coverage for SECONDS each
	$(BIN)/pytest tests/fuzz/test_doors.py --hypothesis-profile=fuzz --numprocesses auto
	$(BIN)/python -m tests.fuzz.by_coverage $(or $(SECONDS),60)

bench-follow: setup ## how soon another machine answers from what was ingested on one
	$(BIN)/python -m benchmarks.follow

bench-page: setup ## ten conversations at once with the served page
	$(BIN)/python benchmarks/page.py

bench-load: setup ## many conversations at once with the served page; some sizes only: SIZES="1 10"
	$(BIN)/python benchmarks/load.py $(SIZES)

screenshots: setup ## the page at two widths, light and dark, in both languages, into docs/screenshots
	$(BIN)/python benchmarks/screenshots.py

fit: setup ## fit retrieval's weights on the development questions anew
	$(BIN)/python -m evals.fitting

fit-embedding: setup ## fit the local embedding on the shipped reports anew; every index is then made again
	$(BIN)/python -m evals.embedding

clean: ## remove the environment and caches; the index in .chatbot/ stays
	rm -rf $(VENV) build dist .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What running needs, in a new environment whenever its lock changes, so nothing old stays behind.
# The lock is whole, so nothing is resolved: pip would look for `coverage[toml]`, which pytest-cov
# wants, beside the `coverage` that is locked, and refuse a newer one for want of a hash.
$(VENV)/.locked: requirements-run.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make $(or $(MAKECMDGOALS),chat) PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || \
		{ echo "pip is needed: install it for $(PYTHON) (Debian: apt-get install python3-pip)" >&2; exit 1; }
	@$(PYTHON) -m venv --clear --without-pip $(VENV)
	@$(PYTHON) scripts/install.py requirements-run.lock $(BIN)/python
	@touch $@

# The project itself; its build backend is among the locked packages, so nothing more is downloaded.
$(VENV)/.runs: $(VENV)/.locked pyproject.toml
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# The developers' packages on top. Where an older lock's are there, the environment is made anew.
$(VENV)/.installed: requirements.lock $(VENV)/.locked | $(VENV)/.runs
	@[ ! -e $@ ] || rm $@ $(VENV)/.locked
	@$(MAKE) --no-print-directory $(VENV)/.runs
	@$(PYTHON) scripts/install.py requirements.lock $(BIN)/python
	@$(BIN)/uv pip check --quiet --python $(BIN)/python
	@touch $@
