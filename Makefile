# make setup | run | test | test-long | lint | pictures. Python 3.11 or 3.12; everything is installed into .venv.
PYTHON ?= $(shell for p in python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
DONE := .venv/installed

.PHONY: setup run test test-long lint pictures browser slurm

setup: $(DONE)

$(DONE): requirements.txt
	@test -n "$(PYTHON)" || { echo "Fluoroscope needs Python 3.11 or 3.12: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=24"
	$(BIN)/python -m pip install --quiet -r requirements.txt
	@touch $(DONE)

run: setup
	$(BIN)/streamlit run dashboard/app.py

# Figures (SVG, PDF, PNG) and the browser tests use Chromium; without root or apt they are skipped with a reason.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; \
	else echo "Chromium is not installed: browser and export tests will be skipped."; fi

# The tests of clusters start a Slurm of their own (nothing of the system's is started); without it they are skipped.
slurm:
	@command -v sbatch >/dev/null || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
		apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null; } || \
		echo "Slurm could not be installed: the tests on a real one will be skipped."; \
	else echo "Slurm is not installed: the tests on a real one will be skipped."; fi

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The browser tests by themselves: each works with an app and a Chromium beside it, and measures nothing under load.
test: setup browser slurm lint
	$(BIN)/python -m pytest -n 3 --dist loadfile -m "not long" --ignore tests/browser
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not long" tests/browser

# What takes a minute or so each: before a release, and after changes in training, towers or jobs.
test-long: setup slurm
	$(BIN)/python -m pytest -n 2 --dist loadfile -m long

# The README's pictures: the demo study and two runs in a workspace of their own, which is kept for the next time.
pictures: setup browser
	$(BIN)/python -m scripts.pictures
