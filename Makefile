# make demo      set up, raise an assistant in ten minutes, print how good it is
# make test      set up, then every check but slow tests; under 15 minutes on two cores
# make test-all  the tests that take minutes too; writes benchmarks/results/test_all.json
# make clean     remove what the other targets made; runs/ stays
#
# make demo MINUTES=3 SEED=1 RUN=runs/short; PYTHON=python3.12 for another interpreter.

PYTHON = python3
MINUTES = 10
SEED = 0
RUN = runs/demo
BIN = .venv/bin

.PHONY: demo test test-all setup sandbox services check clean

demo: setup
	$(BIN)/tutelage school --run $(RUN) --minutes $(MINUTES) --seed $(SEED)

test: check
	$(BIN)/pytest
	sh tests/wheel_job.sh

test-all: check
	$(BIN)/python tests/record_all.py
	sh tests/wheel_job.sh

check: setup .venv/dev services
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: .venv/ready sandbox

.venv/ready: pyproject.toml constraints.txt tools/make_venv.sh
	@sh tools/make_venv.sh "$(PYTHON)"

# What the tests need besides; make demo does without.
.venv/dev: .venv/ready
	@sh tools/install_extras.sh dev

sandbox:
	@sh tools/install_sandbox.sh

services:
	@sh tools/install_services.sh

clean:
	rm -rf .venv build dist tutelage.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find tutelage tests benchmarks examples -name __pycache__ -prune -exec rm -rf {} +
