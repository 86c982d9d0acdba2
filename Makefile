# Everything runs in .venv, which `make setup` creates; every other target sets up first.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help setup demo prior test test-slow fuzz test-latest test-builds test-64 test-slurm test-sanitized conformance browser \
  coverage bench-overhead lint docs clean

PYTHON ?= python3
APT_PACKAGES := python3-petsc4py python3-mpi4py python3-venv libpetsc-real-dev \
  libpetsc3.18-dev-examples openmpi-bin gcc gfortran make pkg-config

# The demo: instances to learn from and to test on, and solver calls spent on learning.
DEMO_TRAIN ?= 140
DEMO_UNSEEN ?= 32
DEMO_CALLS ?= 1500

# One thread per process: the programs are parallel by MPI, and timings must not fight over cores.
export OMP_NUM_THREADS := 1
# Open MPI refuses to run as root unless told twice.
ifeq ($(shell id -u),0)
export OMPI_ALLOW_RUN_AS_ROOT := 1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM := 1
endif

help: ## list the targets
	@grep -E '^[a-z0-9-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' |
	while IFS=$$'\t' read -r target text; do printf '  %-14s %s\n' "$$target" "$$text"; done

setup: .venv/.stamp ## make .venv with everything needed (as root on Debian: PETSc too)

.venv/.stamp: .venv/bin/python pyproject.toml constraints.txt
	@.venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[test,docs]'
	if ! .venv/bin/python -c 'import mpi4py' 2>/dev/null; then
	  .venv/bin/python -m pip install -q --disable-pip-version-check mpi4py
	fi
	touch $@

# Order of preference: the Python the user has active, Debian's, and only then the system's packages.
.venv/bin/python:
	@find_python() {
	  for candidate in '$(PYTHON)' python3 /usr/bin/python3; do
	    if "$$candidate" -c 'import ensurepip, petsc4py' 2>/dev/null; then
	      command -v "$$candidate"
	      return
	    fi
	  done
	  return 1
	}
	if ! python=$$(find_python); then
	  if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	    {
	      echo 'setup: no Python here imports petsc4py (and ensurepip, which makes environments).'
	      echo 'setup: Activate an environment that does, or name its interpreter: make PYTHON=...'
	      echo 'setup: On Debian or Ubuntu this is enough: sudo apt-get install \'
	      echo '  $(APT_PACKAGES)'
	    } >&2
	    exit 1
	  fi
	  apt-get update
	  DEBIAN_FRONTEND=noninteractive apt-get install -y $(APT_PACKAGES)
	  if ! python=$$(find_python); then
	    echo 'setup: apt-get installed PETSc, yet no Python imports petsc4py: is PYTHONPATH set?' >&2
	    exit 1
	  fi
	fi
	echo "setup: .venv with the petsc4py of $$python"
	for tool in mpicc mpiexec pkg-config; do
	  if ! command -v $$tool >/dev/null; then
	    echo "setup: $$tool is missing: PETSc programs can be neither built nor recorded" >&2
	  fi
	done
	rm -rf .venv
	"$$python" -m venv --system-site-packages .venv
	# What lives in the user's own virtual environment is invisible to a new one: point there.
	folder_of() { "$$1" -c "import pathlib, $$2 as m; print(pathlib.Path(m.__file__).parents[1])"; }
	folder=$$(folder_of "$$python" petsc4py)
	if [ "$$(folder_of .venv/bin/python petsc4py 2>/dev/null)" != "$$folder" ]; then
	  echo "$$folder" > "$$(folder_of .venv/bin/python pip)/petsc4py.pth"
	fi

demo: setup ## run a program alone, twice under metasolve, and with a model trained for it (minutes)
	@PATH="$$PWD/.venv/bin:$$PATH"
	case=problems/convection_diffusion/case.toml
	program=solvers/convection_diffusion/convection_diffusion
	demo=build/demo
	say() { printf '\n== %s\n' "$$*"; }
	rm -rf $$demo
	mkdir -p $$demo
	say "The program, built without a word of metasolve in it: $$program"
	make -C solvers/convection_diffusion
	python problems/draw.py $$case $(DEMO_TRAIN) --seed 1 > $$demo/train.txt
	python problems/draw.py $$case $(DEMO_UNSEEN) --seed 2 > $$demo/unseen.txt
	say 'First part: the program alone, and twice under metasolve run, of which nothing was learned before'
	python -m benchmarks first-run --out $$demo -- $$program -list $$demo/train.txt
	say 'What these two runs saved, by their journal'
	metasolve report $$demo/state
	say "Second part: a model of its own. Recording $(DEMO_TRAIN) of its solves to learn from, $(DEMO_UNSEEN) others to test on"
	metasolve record -o $$demo/recording -- $$program -list $$demo/train.txt > $$demo/train.log
	metasolve record -o $$demo/unseen -- $$program -list $$demo/unseen.txt > $$demo/unseen.log
	say 'Training, from nothing but further solves'
	metasolve train $$demo/recording -o $$demo/model --calls $(DEMO_CALLS) --seed 1
	say 'Evaluating on the solves it has not seen'
	metasolve evaluate $$demo/model $$demo/unseen \
	  --json $$demo/evaluation.json --plot $$demo/evaluation.png
	say 'The same program, unmodified, with the model'
	metasolve run $$demo/model --log $$demo/run.jsonl -- $$program -list $$demo/unseen.txt
	say "Done: $$demo/evaluation.json, $$demo/evaluation.png, $$demo/run.jsonl"

prior: setup ## fit the prior that ships to the corpus that ships: the same bytes every time
	@.venv/bin/python -m metasolve.prior

# Two at a time, and then alone those in which a clock decides: a busy core would decide for it. What else
# the machine does may do so once: such a test has three attempts, and the summary counts the repeated ones.
test: setup ## run the tests that take seconds, on 1 and 2 ranks
	@.venv/bin/python -m pytest -n 2 --dist loadfile -m 'not slow and not timed'
	.venv/bin/python -m pytest --reruns 2 -m 'timed and not slow'

test-slow: setup ## run the tests that take longer
	.venv/bin/python -m pytest -m slow

FUZZ ?= 50000

fuzz: setup ## read a million mutated files (FUZZ of each kind), in C under sanitizers
	METASOLVE_FUZZ=$(FUZZ) .venv/bin/python -m pytest tests/fuzz

test-latest: .venv-latest/.stamp ## run the tests with the newest PETSc, petsc4py and numpy from PyPI
	.venv-latest/bin/python -m pytest -m 'not slow'

.venv-latest/.stamp: .venv-latest/.petsc-stamp pyproject.toml constraints.txt
	@.venv-latest/bin/python -m pip install -q --disable-pip-version-check \
	  -c <(grep '^torch' constraints.txt) -e '.[test]'
	touch $@

# PETSc is compiled here, once; petsc4py is then built against it, which isolation would not see.
.venv-latest/.petsc-stamp:
	@rm -rf .venv-latest
	'$(PYTHON)' -m venv .venv-latest
	pip() { .venv-latest/bin/python -m pip --disable-pip-version-check "$$@"; }
	pip install -q --upgrade cython mpi4py numpy setuptools wheel
	echo 'test-latest: compiling PETSc, which takes minutes'
	PETSC_CONFIGURE_OPTIONS='--with-fc=0 --with-cuda=0 --with-x=0 --with-debugging=0' pip install -q petsc
	PETSC_DIR=$$(.venv-latest/bin/python -c 'import petsc; print(petsc.get_petsc_dir())') \
	  pip install -q --no-build-isolation petsc4py
	touch $@

BUILDS := libpetsc64-real-dev libpetsc-complex-dev python3-petsc4py-64-real python3-petsc4py-complex
PETSC_64 = $(lastword $(sort $(wildcard /usr/lib/petscdir/petsc64-*/*-real)))

test-builds: setup ## run the tests with other builds of PETSc: 64-bit, complex (as root on Debian: installed first)
	@if ! dpkg-query -W $(BUILDS) >/dev/null 2>&1; then
	  if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	    echo 'test-builds: PETSc of other builds is missing: sudo apt-get install $(BUILDS)' >&2
	    exit 1
	  fi
	  apt-get update
	  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $(BUILDS)
	fi
	.venv/bin/python -m pytest tests/petsc/builds
	$(MAKE) test-64

test-64: setup ## run the plug-in's tests with 64-bit indices
	PETSC_DIR=$(PETSC_64) .venv/bin/python -m pytest -m 'not slow' tests/petsc/plugin

browser: ## install the browser that tests open the report's page in (as root on Debian)
	@apt-get update
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium

test-slurm: setup ## run the tests under a SLURM of one node (as root on Debian: installed first)
	@installed() { PATH="$$PATH:/usr/sbin" command -v "$$1" >/dev/null; }
	if ! installed slurmctld || ! installed munged || ! installed sbatch; then
	  if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	    echo 'test-slurm: SLURM is missing: sudo apt-get install slurm-wlm munge' >&2
	    exit 1
	  fi
	  apt-get update
	  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends slurm-wlm munge
	fi
	.venv/bin/python -m pytest tests/slurm

# Plug-in and hosts are instrumented; what is not (Python, mpiexec) gets the runtime preloaded, with
# which alone compiled programs were seen to hang in exit(). Leaks are MPI's own.
# UndefinedBehaviorSanitizer ends a program at the first finding.
SANITIZE := -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
test-sanitized: setup ## run the plug-in's tests under AddressSanitizer and UBSan
	@folder=$$PWD/build/sanitized
	mkdir -p $$folder/bin
	for compiler in mpicc mpifort; do
	  if real=$$(command -v $$compiler); then
	    printf '#!/bin/sh\nexec %s $(SANITIZE) "$$@"\n' "$$real" > $$folder/bin/$$compiler
	    chmod +x $$folder/bin/$$compiler
	  fi
	done
	export PATH=$$folder/bin:$$PATH METASOLVE_CC=$$folder/bin/mpicc XDG_CACHE_HOME=$$folder/cache
	export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1
	LD_PRELOAD=$$(gcc -print-file-name=libasan.so) .venv/bin/python -m pytest -m 'not slow' \
	  tests/petsc/plugin tests/conformance/test_faults.py $(SANITIZED)

conformance: setup ## run PETSc's own tests with the plug-in (hours; goes on where it stopped)
	@mkdir -p docs/results
	PATH="$$PWD/.venv/bin:$$PATH" nice python tests/conformance/suite.py \
	  --json build/conformance/results.json --markdown docs/results/conformance.md $(CONFORMANCE)

coverage: setup ## run real programs under metasolve (hours; as root on Debian: installed first)
	@mkdir -p docs/results build/coverage
	PATH="$$PWD/.venv/bin:$$PATH" nice python -m benchmarks coverage \
	  --json build/coverage/coverage.json --markdown docs/results/coverage.md $(COVERAGE)

bench-overhead: setup ## measure what the plug-in adds to a solve of a tiny system
	@.venv/bin/python benchmarks/plugin_overhead.py --json build/overhead.json

# Headers of PETSc are the system's: nothing in them is ours to mend.
C_SOURCES := metasolve/petsc/plugin
C_FLAGS := -std=gnu11 -O1 -fPIC -Wall -Wextra -Wshadow -Wconversion -fanalyzer -Werror

lint: setup ## check style and formatting of Python and C, and let mypy, compiler and cppcheck look for faults
	@.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy metasolve benchmarks
	.venv/bin/clang-format --dry-run -Werror $(filter-out %/built_for.h,$(wildcard $(addprefix $(C_SOURCES)/,*.c *.h loader/*.c loader/*.h)))
	.venv/bin/cppcheck -q --std=c11 --enable=warning,performance,portability --error-exitcode=1 \
	  -UPETSC_USE_COMPLEX '-DPETSC_VERSION_LT(a,b,c)=1' '-DPETSC_VERSION_GE(a,b,c)=0' '-DElfW(type)=Elf64_##type' \
	  $(C_SOURCES)
	headers=$$(pkg-config --cflags PETSc | sed 's/-I/-isystem /g')
	for source in $(C_SOURCES)/*.c $(C_SOURCES)/loader/*.c; do
	  mpicc -c $(C_FLAGS) $$headers $$source -o /dev/null
	done

docs: setup ## build the manual into build/docs, every link and anchor checked
	@NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs -q build --strict
	echo 'manual: build/docs/index.html'

clean: ## remove what was built, environments included
	rm -rf .venv .venv-latest build .pytest_cache .ruff_cache .hypothesis *.egg-info
	for solver in solvers/*/; do $(MAKE) -C $$solver clean; done
