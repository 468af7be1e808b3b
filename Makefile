# Two commands: `make run` runs everything, `make test` tests everything.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PORT ?= 8000

.DEFAULT_GOAL := help
.PHONY: run code test soak bench lint format messages openapi requirements help clean

run: $(STAMP) ## run everything: servers, demo, web, worker, beat, simulator (PORT=8000)
	@exec $(BIN)/python manage.py run

code: $(STAMP) ## the code that the demo's operator is asked for at the log-in
	@$(BIN)/python manage.py demo_code

test: $(STAMP) ## lint, types, import contracts, migrations, all tests with the browser's
	@$(BIN)/python -m tests.chromium
	@$(MAKE) --no-print-directory lint
ifdef ARGS
	@$(BIN)/python -m pytest $(ARGS)
else
	@$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --ignore tests/faults --ignore tests/soak/test_kills.py
	@$(BIN)/python -m pytest tests/faults tests/soak/test_kills.py # servers are taken away and ports must stay free: one after the other
endif

soak: $(STAMP) ## the long runs in full: 90 days under all faults, 50 kills (an hour; SOAK_SEED=… repeats one)
	@SOAK=full MOVE_ROUNDS=48 $(BIN)/python -m pytest tests/soak tests/accounts/test_moving_killed.py -s

bench: $(STAMP) ## benchmarks: ONLY=scope,chart  SIZE=small|full
	@$(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY)) --size $(or $(SIZE),small)

lint: $(STAMP) ## style, types, import contracts, forgotten migrations
	@$(BIN)/ruff check . && $(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy tikdash accounts billing snapshots
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python manage.py makemigrations --check --dry-run

format: $(STAMP) ## put the code into its format
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

openapi: $(STAMP) ## write docs/openapi.yaml anew from the code
	@$(BIN)/python manage.py openapi

messages: $(STAMP) ## bring the catalogues of translations up to date and compile them
	@$(BIN)/python -m tests.messages

requirements: $(STAMP) ## compile requirements*.txt from pyproject.toml
	@$(BIN)/python -m pip install --quiet pip-tools
	@$(BIN)/pip-compile --quiet --upgrade --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --output-file requirements.txt pyproject.toml
	@$(BIN)/pip-compile --quiet --upgrade --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --extra dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml

$(STAMP): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Tikdash needs Python 3.11 or newer; this is %d.%d. Set PYTHON=python3.11 or newer." % sys.version_info[:2])'
	@$(PYTHON) -m venv $(VENV) || { echo "Python cannot make a virtual environment here; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $(STAMP)

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

clean: ## remove the environment and everything under var/ (stops the servers first)
	@if [ -x $(BIN)/python ]; then $(BIN)/python -c 'from tikdash.servers import embedded; embedded().stop()' 2>/dev/null || true; fi
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
