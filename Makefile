# Guise's own commands. `make setup` needs Python 3.11, git and make; all else comes into .venv.
PYTHON ?= python3.11
BIN := .venv/bin
LOCK := requirements/dev.txt

# where a workspace's own services run
WORKSPACE ?= .
POOL ?= guise
PROVIDER ?= cpu
WORKERS ?= 1
SERVICE = cd "$(WORKSPACE)" && PYTHONPATH=. exec "$(CURDIR)/$(BIN)/python" -m flows.service

.PHONY: setup gpu yolo train demo test attack test-neural check clean lock server worker gpu-worker
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
LOCKED := install --no-deps --require-hashes -r

setup: .venv/ready

.venv/ready: $(LOCK) tools/apt-install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "Guise needs Python 3.11: install it, or name it with PYTHON=/path/to/python3.11"; exit 2; }
	@git --version >/dev/null || { echo "Guise needs git: install it"; exit 2; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv 2>/dev/null || \
		{ sh tools/apt-install python3.11-venv && $(PYTHON) -m venv .venv; }
	@echo "installing into .venv, which takes some minutes"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r $(LOCK)
	@$(BIN)/python -c 'import cv2' 2>/dev/null || \
		{ sh tools/apt-install libgl1 libglib2.0-0 && $(BIN)/python -c 'import cv2'; }
	@command -v ssh-keygen >/dev/null || sh tools/apt-install openssh-client
	@printf '#!/bin/sh\n# a workspace that you stand in runs its own copy of the code\nPYTHONPATH="%s" exec "%s" -m flows.cli "$$@"\n' \
		"$(CURDIR)" "$(CURDIR)/$(BIN)/python" > $(BIN)/guise && chmod +x $(BIN)/guise
	@touch $@
	@echo "ready: try 'make demo', or put $(CURDIR)/$(BIN) on your PATH and type 'guise'"

# insightface and ONNX Runtime for NVIDIA devices, in place of the one for the CPU
gpu: setup
	@$(PIP) uninstall --yes onnxruntime
	@$(PIP) $(LOCKED) requirements/gpu.txt

# ultralytics and PyTorch, 7 GB; AGPL-3.0
yolo: setup
	@$(PIP) $(LOCKED) requirements/yolo.txt

# PyTorch, 5 GB, to train a swap of a workspace's own: docs/own-swap.md
train: setup
	@$(PIP) $(LOCKED) requirements/train.txt

# all of them, for the tests
.venv/neural: .venv/ready requirements/neural.txt
	@echo "installing insightface, ultralytics and PyTorch for the tests, 7 GB"
	@$(PIP) $(LOCKED) requirements/neural.txt
	@touch $@

# reads croissant.json as a stranger does; beside the other packages, since it brings pandas, which pandera imports
.venv/croissant/ready: .venv/ready requirements/croissant.txt
	@$(PIP) install --no-deps --require-hashes --upgrade --target .venv/croissant -r requirements/croissant.txt
	@touch $@

demo: setup
	@$(BIN)/guise demo

# a Prefect server for the workspace; PREFECT_SERVER_DATABASE_CONNECTION_URL names another database than SQLite
server: setup
	@$(SERVICE) server

# runs the workspace's flows; PREFECT_API_URL names the server
worker: setup
	@$(SERVICE) worker "$(POOL)"

# dask workers on another host, standing in the workspace on shared storage: SCHEDULER=tcp://HOST:8786
gpu-worker: setup
	@$(SERVICE) gpu-worker "$(SCHEDULER)" --provider "$(PROVIDER)" --workers "$(WORKERS)"

# a file of tests keeps to one process, since its tests share what they build
# and computes as commands do, which keep to one thread a clip; hundreds of them need not compile their code anew
PYTEST := env -u PYTHONDONTWRITEBYTECODE OPENBLAS_NUM_THREADS=1 OPENCV_FOR_THREADS_NUM=1 \
	$(BIN)/python -m pytest --numprocesses $$(( $$(nproc) + 1 )) --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(PYTEST) -q -m "not slow and not neural"

test: setup .venv/croissant/ready
	@command -v chromium >/dev/null || sh tools/apt-install chromium
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || sh tools/apt-install postgresql
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(PYTEST) --durations 40

# everything that docs/threat-model.md says is tried
attack: setup .venv/croissant/ready
	@command -v chromium >/dev/null || sh tools/apt-install chromium
	@$(PYTEST) $$(grep -o 'tests/[a-z_/0-9]*\.py' docs/threat-model.md | sort -u)

# the optional backends, with 7 GB of packages
test-neural: setup .venv/neural
	@$(PYTEST) -m neural

# writes the locks anew; each is proven by installing it into an empty environment
lock:
	@sh tools/lock

clean:
	@rm -rf .venv .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
