# The commands, plus clean. All they make lies in ignored folders of this checkout:
# .venv (the program), build (objects), .bench-venv (llama.cpp), editors/vscode/node_modules and out.
#
#   make run                          the main job in a small throw-away repository
#   make run TASK='...' DIR=~/repo    the same on a repository of yours

PYTHON ?= python3
PY := .venv/bin/python
VSCODE := editors/vscode
PIP := $(PY) -m pip --disable-pip-version-check -q
NATIVE := CMakeLists.txt $(wildcard native/include/*.h native/src/*)

# Two makes at once, an editor's and a person's, would take each other's files away.
LOCKED = @PYTHON="$(PYTHON)" scripts/locked .cache/make.lock $(MAKE) --no-print-directory -s

.PHONY: build dev run test check lint fuzz soak bench vsix clean
.DELETE_ON_ERROR:

build:
	$(LOCKED) .venv/.built

# And the tools for tests and checks.
dev:
	$(LOCKED) .venv/.dev

.venv/.base:
	@PYTHON="$(PYTHON)" scripts/make-venv .venv
	@$(PIP) install 'scikit-build-core>=0.11' cmake ninja
	@touch $@

# Editable: Python files are used in place, so only the engine's sources and the
# project file call for a new build.
.venv/.built: .venv/.base pyproject.toml $(NATIVE)
	@echo "building the engine and installing ds4agent into .venv"
	@$(PIP) install --no-build-isolation -e .
	@touch $@

.venv/.dev: .venv/.built
	@echo "installing the tools for tests and checks"
	@$(PIP) install --no-build-isolation -e '.[dev]'
	@touch $@

run: build
	@$(PY) scripts/demo.py $(if $(DIR),--dir "$$RUN_DIR") $(if $(TASK),--task "$$RUN_TASK")

# Handed over in the environment, unexpanded: a task is prose, with quotes and dollar signs in it.
export RUN_TASK := $(value TASK)
export RUN_DIR := $(value DIR)

# What npm brings is there before tests run side by side that need it.
test: dev lint $(VSCODE)/node_modules/.installed
	@$(MAKE) --no-print-directory -C native -j2 sanitize
	@$(MAKE) --no-print-directory -C native -j2 fuzz
	@$(PY) -m pytest -n 2 --dist worksteal tests

check: dev lint
	@$(PY) -m pytest -q -n 2 --dist worksteal -m 'not slow' tests/unit

# Longer, and with other examples every time: what `make test` has of these is short and always the same.
fuzz: dev
	@$(MAKE) --no-print-directory -C native -j2 fuzz N=1000000
	@$(PY) -m pytest -n 2 --dist worksteal --hypothesis-profile fuzz -m hypothesis tests

# An hour of the sidecar among impatient clients and dying engines; `make test` has three minutes of it, beside the other tests.
soak: dev
	@$(PY) -m tests.e2e.soak $(SOAK)

lint: dev
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy

# The extension of VS Code: editors/vscode/ds4agent.vsix.
VSIX := $(VSCODE)/ds4agent.vsix
VSCODE_SOURCES := $(VSCODE)/package.json $(VSCODE)/tsconfig.json $(VSCODE)/esbuild.mjs $(VSCODE)/README.md \
	$(shell find $(VSCODE)/src $(VSCODE)/media $(VSCODE)/images -type f 2>/dev/null)

vsix: $(VSIX)

$(VSCODE)/node_modules/.installed: $(VSCODE)/package-lock.json
	@scripts/need-node
	@cd $(VSCODE) && npm ci --loglevel=error
	@touch $@

$(VSIX): $(VSCODE)/node_modules/.installed $(VSCODE_SOURCES)
	@cd $(VSCODE) && npm run --silent check && npx --no-install vsce package --no-dependencies \
		--allow-missing-repository --no-rewrite-relative-links --out ds4agent.vsix

bench: dev
	@scripts/bench $(BENCH)

clean:
	rm -rf $(VSCODE)/node_modules $(VSCODE)/out $(VSIX)
	rm -rf .venv .bench-venv .cache build dist ds4agent/_lib native/build .mypy_cache .pytest_cache .ruff_cache .hypothesis
