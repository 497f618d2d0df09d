# make demo · make test · make bench: each sets up .venv by itself, once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TUNES ?= 6000

.PHONY: setup demo test bench corpus

setup: $(READY)

demo: $(READY)
	$(BIN)/python -m symbolic.demo

# The programs that some tests drive: where they cannot be installed, those tests are skipped and
# say so.
test: $(READY)
	@{ command -v mscore3 && command -v chromium; } >/dev/null || test "$$(id -u)" != 0 || \
	  ! command -v apt-get >/dev/null || { \
	  echo "Installing MuseScore 3 and Chromium, which tests open scores and the page in."; \
	  { apt-get update && DEBIAN_FRONTEND=noninteractive \
	    apt-get install --yes --no-install-recommends musescore3 chromium; } >$(VENV)/apt.log 2>&1; } || \
	  echo "They could not be installed: see $(VENV)/apt.log."
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -m 'not long'

bench: $(READY)
	$(BIN)/python -m benchmarks.speed
	@if [ -n "$$SUBTRACTIVE_DATA" ]; then \
	  $(BIN)/python -m benchmarks.peers && $(BIN)/python -m benchmarks.symbolic --quick; else \
	  echo "Quality was not measured: set SUBTRACTIVE_DATA to a folder of music to measure with."; fi

# Chord charts (a folder of McGill Billboard annotations) are optional:
# make corpus CHARTS=charts/ TUNES=20000
corpus: $(READY)
	@command -v mma >/dev/null || test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null || { \
	  echo "Installing MMA, which plays the tunes."; \
	  { apt-get update && DEBIAN_FRONTEND=noninteractive \
	    apt-get install --yes --no-install-recommends mma; } >$(VENV)/apt.log 2>&1; } || \
	  echo "MMA could not be installed: see $(VENV)/apt.log."
	$(BIN)/python -m subtractive.build mma --tunes $(TUNES) --out corpus/mma $(if $(CHARTS),--charts $(CHARTS))

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed: say which one by make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make a virtual environment with pip:" \
	    "install its venv package (on Debian and Ubuntu: apt-get install python3-venv)"; exit 1; }
	@echo "Setting up $(VENV): the first time takes some minutes, torch is large."
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
# Without its dependencies: it asks for TensorFlow and never needs it.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps basic-pitch || \
	  echo "basic-pitch could not be installed: notes in recordings are heard less well."
# Without its dependency pyaudio, which only plays to a loudspeaker and does not build everywhere.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps tinysoundfont || \
	  echo "tinysoundfont could not be installed: previews need FluidSynth."
	@command -v fluidsynth >/dev/null || test "$$(id -u)" != 0 || \
	  ! command -v apt-get >/dev/null || { \
	  echo "Installing FluidSynth, which plays the previews."; \
	  { apt-get update && DEBIAN_FRONTEND=noninteractive \
	    apt-get install --yes --no-install-recommends fluidsynth; } >$(VENV)/apt.log 2>&1 || \
	  echo "FluidSynth could not be installed (see $(VENV)/apt.log): tinysoundfont plays instead."; }
	@touch $@
