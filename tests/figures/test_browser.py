"""A Chromium that hangs is given up in time, and none outlives what started it."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import ExportError
from core.figures import browser
from core.figures.export import chromium_available, figure_bytes
from core.figures.theme import LIGHT
from tests.figures.examples import FIGURES

needs_chromium = pytest.mark.skipif(not chromium_available(), reason="Chromium is not on this machine")
FRESH = """
import hashlib
from core.figures import browser
from core.figures.export import figure_bytes, figure_csv
from core.figures.theme import LIGHT
from tests.figures.examples import FIGURES
made = FIGURES["similarity-3"](LIGHT)
print(hashlib.sha256(figure_bytes(made, "svg")).hexdigest(), hashlib.sha256(figure_csv(made)).hexdigest())
print(browser._open[0]._kaleido.subprocess.pid)
"""


@pytest.fixture(autouse=True)
def own_browser() -> Iterator[None]:
    browser.close()
    yield
    browser.close()


def alive(group: int) -> bool:
    """Whether a process of this group still runs (one that has ended and waits to be collected does not)."""
    for folder in Path("/proc").iterdir():
        try:
            state = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if int(state[2]) == group and state[0] not in "ZX":
            return True
    return False


def wait_until_gone(group: int, seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while alive(group) and time.monotonic() < end:
        time.sleep(0.1)
    return not alive(group)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_browser_that_never_answers_is_given_up_and_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "pid"
    silent = tmp_path / "chromium"
    silent.write_text(f"#!/bin/sh\necho $$ > {mark}\nsleep 600\n")
    silent.chmod(0o755)
    monkeypatch.setenv("BROWSER_PATH", str(silent))
    monkeypatch.setattr(browser, "OPEN_SECONDS", 2.0)
    began = time.monotonic()
    with pytest.raises(ExportError, match="TimeoutError: no answer in time"):
        figure_bytes(FIGURES["cones"](LIGHT), "svg")
    assert time.monotonic() - began < 20
    assert not browser._open
    started = int(mark.read_text())
    assert not Path(f"/proc/{started}").exists()
    sleeping = [one for one in Path("/proc").glob("[0-9]*/cmdline") if str(silent).encode() in read(one)]
    assert not sleeping


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@needs_chromium
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_browser_that_stops_while_it_draws_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = FIGURES["cones"](LIGHT)
    figure_bytes(figure, "svg")
    group = browser._open[0]._kaleido.subprocess.pid
    assert group not in (os.getpgid(0), 0, 1) and os.getpgid(group) == group
    os.killpg(group, signal.SIGSTOP)
    monkeypatch.setattr(browser, "DRAW_SECONDS", 2.0)
    began = time.monotonic()
    with pytest.raises(ExportError, match="did not draw the figure"):
        figure_bytes(figure, "svg")
    assert time.monotonic() - began < 40
    assert wait_until_gone(group) and not browser._open


@needs_chromium
def test_a_bug_of_ours_is_not_taken_for_chromium_s(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: str) -> browser._Browser:
        raise ZeroDivisionError(path)

    monkeypatch.setattr(browser, "_warm", broken)
    with pytest.raises(ZeroDivisionError):
        figure_bytes(FIGURES["cones"](LIGHT), "svg")


UPSTREAM = re.compile(r"JSONError decoding message\. Ignoring\n.*?\.JSONError[^\n]*\n", re.DOTALL)
"""What choreographer says now and then when Chromium ends in the middle of a message; nothing is lost by it."""


@needs_chromium
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_another_process_draws_the_same_and_leaves_no_browser() -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", FRESH], capture_output=True, text=True, timeout=120, check=True
    )
    svg, csv, group = ended.stdout.split()
    assert hashlib.sha256(figure_bytes(FIGURES["similarity-3"](LIGHT), "svg")).hexdigest() == svg
    assert csv and UPSTREAM.sub("", ended.stderr) == ""
    assert wait_until_gone(int(group))


def test_failures_are_named_and_bugs_are_not_among_them() -> None:
    assert not any(issubclass(bug, browser._failures()) for bug in (TypeError, KeyError, ValueError, AssertionError))
    assert issubclass(TimeoutError, browser._failures())
