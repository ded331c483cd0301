"""Processes that make pictures: what a crash, an error, a full disk or the end of the parent does to the others."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from core.errors import ConfigError, Stopped
from core.studies import pool
from core.studies.pixels import Pictures
from core.studies.pool import Made, Target, cores, make_all, pixel_hash
from core.workspace import ROOT
from tests.studies.small import SIZE, pictures, stopping, table, watched, written
from tests.studies.squares import square
from tests.tiny import given, until

HEADER = 64
BROKEN = "the decoder broke down on it (a damaged file, or too little memory)"


@pytest.fixture
def target(tmp_path: Path) -> Target:
    (tmp_path / "file").touch()
    return Target(tmp_path / "file", HEADER, SIZE)


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes, three pictures at a time."""
    monkeypatch.setenv("FLUOROSCOPE_WORKERS", "2")
    monkeypatch.setattr(pool, "CHUNK", 3)


def squares(*tasks: Any) -> Pictures:
    return Pictures(tasks=tasks, keys=given(tasks).keys, make=square)


def made(tasks: list[Any], target: Target) -> list[Made]:
    found = [one for chunk in make_all(tasks, range(len(tasks)), square, target) for one in chunk]
    assert not multiprocessing.active_children()
    return sorted(found, key=lambda one: one.row)


def held(target: Target, row: int) -> NDArray[np.uint8]:
    data = target.path.read_bytes()[HEADER + row * SIZE * SIZE :][: SIZE * SIZE]
    return np.frombuffer(data, np.uint8).reshape(SIZE, SIZE)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_pictures_lie_at_their_places(target: Target, monkeypatch: pytest.MonkeyPatch, workers: str) -> None:
    monkeypatch.setenv("FLUOROSCOPE_WORKERS", workers)
    tasks: list[Any] = [*range(20), "refuse", *range(21, 40)]
    for one, task in zip(made(tasks, target), tasks, strict=True):
        if task == "refuse":
            assert one == Made(20, reason="cut off") and not held(target, 20).any()
        else:
            assert one == Made(task, pixels=pixel_hash(np.full((SIZE, SIZE), task, np.uint8)))
            assert (held(target, task) == task).all()
    assert target.path.read_bytes()[:HEADER] == bytes(HEADER)


@pytest.mark.usefixtures("two")
class TestCrash:
    @pytest.mark.parametrize("way", ["exit", "crash"])
    def test_only_the_picture_is_lost(self, target: Target, way: str) -> None:
        tasks: list[Any] = [*range(16), way, *range(17, 30)]
        found = made(tasks, target)
        assert [one.row for one in found] == list(range(30)), "each once"
        assert [one for one in found if one.reason] == [Made(16, reason=BROKEN)]
        assert all((held(target, row) == row).all() for row in range(30) if row != 16)

    def test_also_where_few_are_left(self, target: Target) -> None:
        """What is left of a broken-off import, or changed since the last one, may be that one picture."""
        assert made(["crash"], target) == [Made(0, reason=BROKEN)]

    def test_two_of_them_in_one_chunk(self, target: Target) -> None:
        assert [one.row for one in made([0, "crash", "exit"], target) if one.reason == BROKEN] == [1, 2]

    @pytest.mark.usefixtures("workspace")
    def test_a_study_without_that_picture(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FLUOROSCOPE_WORKERS", "2")
        study = written(shown=squares(*range(5), "crash"))
        assert len(study) == 5 and study.manifest["set_aside"] == {BROKEN: 1}


@pytest.mark.usefixtures("workspace", "quick_disk")
class TestErrors:
    @pytest.mark.parametrize("workers", ["1", "2"])
    def test_a_bug_ends_the_import_and_what_was_made_stays(
        self, workspace: Path, monkeypatch: pytest.MonkeyPatch, workers: str
    ) -> None:
        monkeypatch.setenv("FLUOROSCOPE_WORKERS", workers)
        monkeypatch.setattr(pool, "CHUNK", 1)
        with pytest.raises(ValueError, match="a bug"):
            written(table(12), squares(*range(9), "fail", 10, 11))
        assert not multiprocessing.active_children()
        journal = (workspace / "studies/.x.import/journal.txt").read_text().splitlines()
        assert [int(line.split()[0]) for line in journal] == list(range(9))

    def test_a_stop_ends_the_processes(self, workspace: Path, two: None) -> None:
        main, started = sys.modules["__main__"], time.monotonic()
        with pytest.raises(Stopped):
            written(table(60), squares(*range(60)), progress=stopping(6))
        assert not multiprocessing.active_children() and time.monotonic() - started < 20
        assert sys.modules["__main__"] is main
        assert len((workspace / "studies/.x.import/journal.txt").read_text().splitlines()) == 6

    def test_a_full_disk_says_so_and_keeps_what_is_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        shown, asked = watched(pictures(20))
        monkeypatch.setattr(pool, "CHUNK", 4)
        real, room = os.pwrite, 10 * SIZE * SIZE + 5

        def pwrite(handle: int, data: Any, at: int) -> int:
            nonlocal room
            if not room:
                raise OSError(errno.ENOSPC, "No space left on device")
            written = real(handle, data[:room], at)
            room -= written
            return written

        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", pwrite)
            with pytest.raises(OSError, match="No space left"):
                written(table(20), shown)
        asked.clear()
        assert np.array_equal(written(table(20), shown).images, np.stack(pictures(20)))
        assert asked == list(range(8, 20)), "two chunks were whole"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB, where this process may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = sys.platform == "linux" and os.geteuid() == 0
    if (
        not mounted
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], check=False).returncode
    ):
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_disk_that_is_really_full(small_disk: Path, monkeypatch: pytest.MonkeyPatch, workers: str) -> None:
    monkeypatch.setenv("FLUOROSCOPE_HOME", str(small_disk))
    monkeypatch.setenv("FLUOROSCOPE_WORKERS", workers)
    shown = squares(*range(250))  # 64 kB of pixels, and more than that in all
    with pytest.raises(OSError, match="No space left"):
        written(table(250), shown)
    kept = (small_disk / "studies/.x.import/journal.txt").read_text().count("\n")
    assert kept > 16
    subprocess.run(["mount", "-o", "remount,size=2m", small_disk], check=True)
    seen: list[int] = []
    study = written(table(250), shown, progress=lambda done, total: seen.append(done))
    assert seen[0] == kept and study.images[:, 3, 3].tolist() == list(range(250))


class TestStart:
    @pytest.mark.parametrize(("given", "number"), [("1", 1), ("3", 3), ("1024", 1024), ("007", 7)])
    def test_workers(self, monkeypatch: pytest.MonkeyPatch, given: str, number: int) -> None:
        monkeypatch.setenv("FLUOROSCOPE_WORKERS", given)
        assert cores() == number

    @pytest.mark.parametrize("given", ["0", "-1", "1025", "two", "1.5", " 2", "²", "1e2"])
    def test_no_workers(self, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
        monkeypatch.setenv("FLUOROSCOPE_WORKERS", given)
        with pytest.raises(ConfigError, match=r"FLUOROSCOPE_WORKERS is .* a number from 1 to 1024, or unset"):
            cores()

    def test_all_cores(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FLUOROSCOPE_WORKERS", "")
        unset = cores()
        monkeypatch.delenv("FLUOROSCOPE_WORKERS")
        assert cores() == unset == len(psutil.Process().cpu_affinity() or [])

    @pytest.mark.usefixtures("two")
    def test_main_is_not_imported_again(self, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A page that Streamlit runs, or a program that is long to import, or one that is gone, may be ``__main__``."""
        program = tmp_path / "program.py"
        program.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nraise SystemExit(9)")
        for file in (program, tmp_path / "gone.py"):
            main = types.ModuleType("__main__")
            main.__file__ = str(file)
            monkeypatch.setitem(sys.modules, "__main__", main)
            assert [one.row for one in made(list(range(4)), target)] == [0, 1, 2, 3]
            assert sys.modules["__main__"] is main and not (tmp_path / "ran").exists()

    def program(self, target: Target, tasks: str) -> str:
        return (
            "from pathlib import Path\nfrom core.studies.pool import Target, make_all\n"
            "from tests.studies.squares import square\n"
            f"target = Target(Path({str(target.path)!r}), {HEADER}, {SIZE})\n"
            f"tasks = {tasks}\nprint([len(chunk) for chunk in make_all(tasks, range(len(tasks)), square, target)])"
        )

    def test_from_a_pipe(self, target: Target) -> None:
        done = subprocess.run(
            [sys.executable, "-"],
            input=self.program(target, "list(range(40))"),
            capture_output=True, text=True, cwd=ROOT, check=False, env={**os.environ, "FLUOROSCOPE_WORKERS": "2"},
        )  # fmt: skip
        assert (done.stdout, done.returncode) == ("[16, 16, 8]\n", 0), done.stderr
        assert (held(target, 39) == 39).all()

    @pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no kernel ends children with their parent")
    @pytest.mark.parametrize("moment", ["starting", "at work"])
    def test_children_die_with_their_parent(self, target: Target, moment: str) -> None:
        parent = subprocess.Popen(
            [sys.executable, "-c", self.program(target, "list(range(16)) + ['wait'] * 80")],
            cwd=ROOT,
            env={**os.environ, "FLUOROSCOPE_WORKERS": "2"},
        )
        of_parent = psutil.Process(parent.pid)
        until(lambda: len(of_parent.children()) > 1 if moment == "starting" else target.path.stat().st_size > 0)
        children = of_parent.children(recursive=True)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        until(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in children))


@pytest.mark.usefixtures("workspace")
def test_same_study_with_and_without_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = squares(*range(40))
    alone = written(table(40), shown)
    monkeypatch.setenv("FLUOROSCOPE_WORKERS", "2")
    assert written(table(40), shown, name="y").fingerprint == alone.fingerprint
