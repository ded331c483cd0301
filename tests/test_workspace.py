"""The workspace: names that may become folders, and stand-ins for the names that may not be seen."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import ConfigError
from core.workspace import ROOT, checked_slug, home, salted


@pytest.mark.parametrize("name", ["demo", "nih-chestxray14", "a", "0", "a.b_c-d", "x" * 64, "a..b"])
def test_good_names_pass(name: str) -> None:
    assert checked_slug(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "/etc", "-rf", "_a", ".hidden", "Demo", "a b", "a\n", "\na", "a\0", "é", "~"],
)
def test_other_names_are_refused_in_one_short_line(name: str) -> None:
    refused(name)


@pytest.mark.parametrize("name", ["x" * 65, "x" * 300, "\U0001fac1", "a\\b", "$(x)", "a;b"])
def test_long_and_strange_names_are_refused_too(name: str) -> None:
    refused(name)


def refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot name a study") as caught:
        checked_slug(name)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_home_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FLUOROSCOPE_HOME", str(tmp_path))
    assert home() == tmp_path
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLUOROSCOPE_HOME", "near")
    assert home() == tmp_path / "near"
    monkeypatch.setenv("FLUOROSCOPE_HOME", "")
    assert home() == ROOT / "workspace"


def test_stand_ins_are_stable_here_and_different_elsewhere(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = salted(["00000001_000.png"], "r")
    assert re.fullmatch("r[0-9a-f]{16}", first)
    assert salted(["00000001_001.png", "00000001_000.png"], "r")[1] == first
    assert salted(["00000001_001.png"], "r") != [first]
    assert oct((workspace / "salt").stat().st_mode & 0o777) == "0o600"
    assert (workspace / "salt").stat().st_size == 32
    monkeypatch.setenv("FLUOROSCOPE_HOME", str(tmp_path / "other"))
    assert salted(["00000001_000.png"], "r") != [first]


def test_processes_that_begin_together_agree_on_the_salt(workspace: Path) -> None:
    code = (
        "import sys, time\nfrom core.workspace import salted\ntime.sleep(max(0, float(sys.argv[1]) - time.time()))\n"
        "print(salted(['a'], 'p'))"
    )
    import time

    begin = str(time.time() + 1.0)
    own = [
        subprocess.Popen([sys.executable, "-c", code, begin], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert len({process.communicate(timeout=60)[0] for process in own}) == 1
    assert os.listdir(workspace) == ["salt"]
