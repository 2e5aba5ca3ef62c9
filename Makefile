PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000

.PHONY: demo up test check format bench hostile drill dashboards lock clean

demo: $(VENV)/.local  ## the local stack, the samples through the real API, then keep serving
	$(BIN)/photo demo samples --port $(PORT) $(if $(ONCE),--once)

up: $(VENV)/.local  ## the same stack without the samples
	$(BIN)/photo up --port $(PORT)

test: $(VENV)/.dev  ## every test, on real servers
	$(BIN)/pytest $(ARGS)

check: $(VENV)/.dev  ## format, lint, types, layers: the only definition of clean
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Containerfile
	$(BIN)/shellcheck .ci/run

format: $(VENV)/.dev
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(VENV)/.dev  ## the benchmarks, and bench/results.json
	$(BIN)/python -m bench

hostile: $(VENV)/.dev  ## thousands of damaged and lying files, and those of CORPUS=folder, through the real pipeline
	$(BIN)/python -m hostile $(if $(CORPUS),"$(CORPUS)") $(ARGS)

drill: $(VENV)/.dev  ## break every process and connection while jobs are under way, then count the jobs; SEED=N replays
	$(BIN)/python -m drill $(if $(SEED),--seed $(SEED)) $(ARGS)

dashboards: $(VENV)/.dev  ## deploy/grafana, from the code in dashboards/
	$(BIN)/python -m dashboards

UV_COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml

lock: $(VENV)/.dev  ## newest releases that fit, with hashes
	$(UV_COMPILE) --upgrade --group build --group dev --extra local --output-file requirements-dev.lock
	$(UV_COMPILE) --constraint requirements-dev.lock --group build --extra local --output-file requirements-local.lock
	$(UV_COMPILE) --constraint requirements-dev.lock --group build --output-file requirements.lock

clean:
	rm -rf $(VENV)

$(VENV)/.made:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Photo API needs Python 3.11 or newer; set PYTHON=…")'
	$(PYTHON) -m venv $(VENV)
	touch $@

INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
INSTALL_PROJECT = $(INSTALL) --no-deps --no-build-isolation --editable .

$(VENV)/.local: requirements-local.lock pyproject.toml | $(VENV)/.made
	@echo "Installing the locked dependencies into $(VENV): a minute or two."
	$(INSTALL) --require-hashes --requirement requirements-local.lock
	$(INSTALL_PROJECT)
	touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(VENV)/.made
	@echo "Installing the locked dependencies into $(VENV): a minute or two."
	$(INSTALL) --require-hashes --requirement requirements-dev.lock
	$(INSTALL_PROJECT)
	touch $@ $(VENV)/.local
