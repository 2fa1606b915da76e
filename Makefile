# Every target does its own set-up; PYTHON chooses the interpreter, VENV the folder.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
KILLS ?= 100
INSTALLED := $(VENV)/.installed

.PHONY: demo quick test test-all fuzz check docs bench format clean

# A demo that was interrupted goes on where it was; a finished one takes seconds.
demo: $(INSTALLED)  ## toy street scenes -> which of three small models? -> predictions and reports
	@test -d data/toy || $(BIN)/sceneseg data toy --out data/toy --count 160
	@$(BIN)/sceneseg compare -m fast_scnn,recipes/toy/ddrnet.yaml,recipes/toy/bisenet_v2.yaml \
		--config recipes/toy/fast_scnn.yaml -p data/toy --budget 60s --name demo
	@$(BIN)/sceneseg predict -w runs/demo/fast_scnn -d cityscapes -p data/toy --split test -r runs/demo/predictions

quick: $(INSTALLED)  ## format, lint, types, floors, tests of the touched rooms: before each commit
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 $$($(BIN)/python tools/touched_tests.py)

test: $(INSTALLED)  ## the tests, 6 minutes on 2 cores
	$(BIN)/python -m pytest -n 2

test-all: $(INSTALLED)  ## the slow ones too, with KILLS kills of each command that can be resumed; over an hour
	KILLS=$(KILLS) $(BIN)/python -m pytest -n 2 -m "slow or not slow"

fuzz: $(INSTALLED)  ## 20,000 damaged files of every kind, in ten minutes; findings are written to fuzz-findings/
	$(BIN)/python tests/fuzz --inputs 20000

check: $(INSTALLED)  ## format, lint, types, floors, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2

docs: $(INSTALLED)  ## the generated tables, and the schemas of files
	$(BIN)/python tools/tables.py
	$(BIN)/python tools/schemas.py

bench: $(INSTALLED)  ## every benchmark against its peers, then their tables; an hour on a quiet machine
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torchmetrics albumentations torchvision segmentation-models-pytorch
	@for script in evaluation prediction loss training input export scale; do $(BIN)/python benchmarks/$$script.py || exit 1; done
	$(BIN)/python tools/tables.py

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
