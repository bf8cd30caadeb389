# Everything here builds .venv itself; nothing is installed outside it.
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO_STAMP := $(VENV)/.installed-for-demo
PYTHON ?= python3

.PHONY: install demo test lint types format check pictures lock clean

install: $(STAMP)

# Ctrl-C ends it cleanly. PLAYGROUND_PORT is the port of its page, 8181 by itself. Where everything
# is installed it uses that; else it installs what it needs alone, and `make test` adds the rest.
demo: $(if $(wildcard $(STAMP)),$(STAMP),$(DEMO_STAMP))
	@$(BIN)/opsbell demo

# Three at a time also on two cores: most tests wait more than they compute. Without the reordering,
# which leaves the files with the fewest tests for last, as those with the longest tests are.
test: $(STAMP)
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder --cov --cov-report=term

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: $(STAMP)
	$(BIN)/mypy

check: lint types test

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The pictures of README.md, from the demo in a real browser.
pictures: $(STAMP)
	OPSBELL_REQUIRE=browser $(BIN)/pytest -q tests/demo/test_first_minute.py tests/demo/test_four_commands.py
	mkdir -p docs/pictures
	cd artefacts && cp first-minute.png broken-on-purpose.png on-the-phone.png plan-of-a-deploy.png went-back-by-itself.png ../docs/pictures/

$(STAMP): LOCK := requirements.lock
$(DEMO_STAMP): LOCK := demo.lock
$(STAMP): requirements.lock
$(DEMO_STAMP): demo.lock
$(STAMP) $(DEMO_STAMP): pyproject.toml
	@echo "Installing into $(VENV), once: this takes a minute or two"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r $(LOCK)
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@

# Renews the pins, and from them those of the demo and of the image. The locks name no index: pip
# uses the one it is set up with.
lock: COMPILE = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet
lock:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet uv
	$(COMPILE) pyproject.toml --all-extras --upgrade -o requirements.lock
	$(COMPILE) pyproject.toml --extra demo --no-annotate --constraint requirements.lock -o demo.lock
	$(COMPILE) pyproject.toml --no-annotate --constraint requirements.lock -o docker/run.lock
	echo hatchling | $(COMPILE) - --no-annotate --constraint requirements.lock --upgrade -o docker/build.lock

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage* build dist
