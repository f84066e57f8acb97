# make run    build .venv, deploy an unprivileged tree under var/, start the services in the foreground
#             (ARGS="-p 2628" for another port)
# make test   all tests
# make bench  ours beside the originals, into docs/PERFORMANCE.md; single lines: make bench ARGS='-k multilog'
# make check  format, lint, types, tests, and the comparison with the originals (which it then requires)
# Only Python 3.11 or newer with its venv module, and make, are assumed.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed

# A checkout that was moved or copied, and a Python that was replaced, leave a .venv that is of no use. One that is
# a link is its owner's.
OURS := import os, supervisor, smarthost; print(os.path.samefile(smarthost.__path__[0], "smarthost"))
ifneq ($(wildcard $(STAMP)),)
ifneq ($(shell test -L $(VENV) && echo True || $(VENV)/bin/python -P -c '$(OURS)' 2>/dev/null),True)
STALE := yes
.PHONY: $(STAMP)
endif
endif

.PHONY: run test check bench clean
run: $(STAMP)
	@$(VENV)/bin/smarthost-run $(ARGS)

test: $(STAMP)
	@$(VENV)/bin/python -m pytest -n auto $(ARGS)

check: $(STAMP)
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" sh tests/check --all $(ARGS)

bench: $(STAMP)
	@$(VENV)/bin/python -m bench $(ARGS)

$(STAMP): setup.cfg pyproject.toml $(wildcard bin/*)
	@case "$$(pwd)" in *[[:blank:]]*) \
	  echo "make: smarthost cannot be where a directory's name has a blank in it: no program's first line can name" \
	    "the Python there" >&2; exit 1;; esac
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "make: smarthost needs Python 3.11 or newer as $(PYTHON): apt-get install python3" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "make: smarthost needs Python's venv module: apt-get install python3-venv" >&2; exit 1; }
	@{ test -z "$(STALE)" && $(VENV)/bin/python -m pip --version; } >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
	  --config-settings editable_mode=compat -e '.[test,check]'
	@touch $(STAMP)

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
