# Every target does its own set-up; PYTHON chooses the interpreter, VENV the folder.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test test-all check docs format clean

# A demo that was interrupted goes on where it was; a finished one is scored, predicted and shown again.
demo: $(INSTALLED)  ## toy street scenes -> train -> evaluate -> predict -> report
	@test -d data/toy || $(BIN)/sceneseg data toy --out data/toy --count 160
	@if test -f runs/demo/state.ckpt; then $(BIN)/sceneseg train -r runs/demo; \
	else rm -rf runs/demo && $(BIN)/sceneseg train --config recipes/toy/fast_scnn.yaml -p data/toy --name demo; fi
	@$(BIN)/sceneseg evaluate -w runs/demo --split val
	@$(BIN)/sceneseg predict -w runs/demo -d cityscapes -p data/toy --split test -r runs/demo/predictions
	@$(BIN)/sceneseg report runs/demo

test: $(INSTALLED)  ## the tests, within 4 minutes on 2 cores
	$(BIN)/python -m pytest -n 2

test-all: $(INSTALLED)  ## the slow ones too
	$(BIN)/python -m pytest -n 2 -m "slow or not slow"

check: $(INSTALLED)  ## format, lint, types, floors, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2

docs: $(INSTALLED)  ## the generated tables
	$(BIN)/python docs/tables.py

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) runs/demo* data/toy

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("sceneseg needs Python 3.11 or newer; choose one with: make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@
