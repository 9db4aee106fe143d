# Holdout: run · test · check · bench · clean. CI calls the same targets.
#
#   make run                 the whole site on this machine, torch and the baselines included
#   make run LIGHT=1         without torch: ready in under a minute
#   make run HOST=0.0.0.0    for a whole class; PORT, HOLDOUT_VAR and the rest: docs
#   make lab                 adds what the baselines draw, record and export with
#   make run TORCH_INDEX=URL takes torch from another package index
#
# Refresh the locks after a change in pyproject.toml:
#   for lock in site dev; do uv pip compile --universal --python-version 3.11 --no-header \
#     --no-annotate --no-emit-index-url --no-emit-find-links --upgrade \
#     $$([ $$lock = dev ] && echo --extra dev) pyproject.toml -o requirements/$$lock.txt; done

# The first Python that is new enough, else python3, whose version the error then names.
PYTHON ?= $(or $(shell for python in python3 python3.13 python3.12 python3.11; do \
  command -v $$python >/dev/null && $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
  && echo $$python && break; done),python3)
VENV   ?= .venv
BIN    := $(VENV)/bin
LIGHT  ?=
TORCH_INDEX ?=

PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# Without compiling: the first start compiles the tenth of the modules that it needs.
QUIET := -qq --progress-bar off --no-compile

.DEFAULT_GOAL := run
.PHONY: run lab test test-site test-apart check bench screenshot clean install

# `exec`: make then waits for the supervisor itself, which hears Ctrl-C and SIGTERM.
run: install
	@exec $(BIN)/python -m holdout.up

# For teams: pictures, TensorBoard, sweeps and exports of the baselines.
lab: install $(VENV)/.lab

install: $(VENV)/.site $(if $(LIGHT),,$(VENV)/.train $(VENV)/.models)

# The stamp holds the lock it was made from; a lock that did not change installs nothing.
$(VENV)/.site: requirements/site.txt | $(VENV)/.made
	@cmp -s $< $@ || { echo "Installing the site (once) …" && \
	  $(PIP) install $(QUIET) --no-deps -r $< && cp $< $@; }
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(VENV)/.made
	@cmp -s $< $@ || { echo "Installing the tests' tools (once) …" && \
	  $(PIP) install $(QUIET) --no-deps -r $< && cp $< $@; }
	@touch $@

$(VENV)/.train: requirements/train.txt | $(VENV)/.site
	@cmp -s $< $@ || { sh requirements/torch-notice.sh "$(TORCH_INDEX)" && \
	  echo "Installing torch (once; \`make run LIGHT=1\` leaves it out) …" && \
	  $(PIP) install $(QUIET) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) -r $< && cp $< $@; }
	@touch $@

$(VENV)/.models: requirements/models.txt | $(VENV)/.train
	@cmp -s $< $@ || { echo "Installing what runs submitted models (once) …" && \
	  $(PIP) install $(QUIET) -r $< && cp $< $@; }
	@touch $@

$(VENV)/.lab: requirements/lab.txt | $(VENV)/.models
	@cmp -s $< $@ || { echo "Installing the baselines' tools (once) …" && \
	  $(PIP) install $(QUIET) -r $< && cp $< $@; }
	@touch $@

# The project itself is two lines in a .pth file: nothing is built, and edits count at once.
$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Holdout needs Python 3.11 or newer, and $(PYTHON) is `$(PYTHON) -V 2>&1`." \
	       "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "Making $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@# The pip that comes with Python 3.11 takes three times as long over the locks.
	@$(PIP) install $(QUIET) 'pip>=25'
	@$(BIN)/python -c 'import pathlib, sysconfig; \
	  pathlib.Path(sysconfig.get_path("purelib"), "holdout.pth").write_text("$(CURDIR)/platform\n$(CURDIR)\n")'
	@touch $@

# Two halves side by side: the challenges on SQLite, whose journeys mostly wait; and what needs none,
# then everything with a database again on PostgreSQL. Each says its lines when they are whole.
test: $(VENV)/.dev $(if $(LIGHT),,$(VENV)/.train $(VENV)/.models $(VENV)/.lab)
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=line test-site test-apart

test-site:
	$(BIN)/python -m pytest tests/competitions tests/journeys

test-apart:
	$(BIN)/python -m pytest -p no:django tests/scoring tests/baselines
	$(BIN)/python -m pytest tests/holdout
	$(BIN)/python -m tests.with_postgres -- $(BIN)/python -m pytest \
	  -m "django_db and not journey and not browser and not once" tests/competitions tests/holdout

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/djlint --lint --quiet templates

bench: install
	$(BIN)/python -m benchmarks.submit_to_board

screenshot: $(VENV)/.dev $(if $(LIGHT),,$(VENV)/.train)
	$(BIN)/python -m benchmarks.screenshot

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis staticfiles
	@echo "var/ holds data and is left where it is."
