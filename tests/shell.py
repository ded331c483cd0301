"""A command as it is typed, run in this process: real parsing, real work, and no process that goes on behind it."""

from __future__ import annotations

import os
import runpy
import shlex
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

from core import jobs
from core.ablation import arrays
from core.files import write_json
from tests.finished import Finished

QUICK = ("import", "embeddings")
"""Background work that takes a second: it is done here, before the command goes on."""


class Begun(BaseException):
    """A command came as far as handing this work over; no handler of errors catches it."""


@dataclass(frozen=True)
class Ended:
    """How a command ended, what it said on both streams, and which work it handed over."""

    code: int
    said: str
    begun: str = ""


class Shell:
    """A copy of the workspace of finished runs, a folder to work in, and what is typed there."""

    def __init__(
        self, finished: Finished, folder: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.finished, self.capsys, self.patch = finished, capsys, patch
        self.folder, home = folder / "work", linked_copy(finished.home, folder / "workspace")
        self.folder.mkdir()
        self.words: dict[str, str] = {}
        """What stands for a placeholder in whatever is typed."""
        patch.chdir(self.folder)
        patch.setenv("FLUOROSCOPE_HOME", str(home))
        patch.setenv("FLUOROSCOPE_WORKERS", "1")
        patch.setenv("COLUMNS", "250")
        patch.setattr(jobs, "start", self._start)
        patch.setattr(arrays, "submit_array", lambda folder, config, tasks: _hand_over("array of", len(tasks)))

    def type(self, command: str, **words: str) -> Ended:
        """Type a command, each of its words that stands in ``words``, here or of this shell, replaced."""
        instead = self.words | words
        python, *typed = [instead.get(word, word) for word in shlex.split(command)]
        assert (python, typed[0]) == ("python", "-m"), command
        return self._run(lambda: runpy.run_module(typed[1], run_name="__main__"), typed[1], typed[2:])

    def _run(self, work: Callable[[], Any], name: str, arguments: list[str]) -> Ended:
        self.patch.setattr(sys, "argv", [name, *arguments])
        self.capsys.readouterr()
        code, begun = 0, ""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "'scripts.* found in sys.modules", RuntimeWarning)
            try:
                work()
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
            except Begun as work_begun:
                begun = str(work_begun)
        out, err = self.capsys.readouterr()
        return Ended(code, out + err, begun)

    def _start(self, folder: Path, arguments: list[str], **_: Any) -> None:
        """In place of :func:`core.jobs.start`."""
        kind = arguments[2]
        if (folder / jobs.ON_CLUSTER).exists() or kind not in QUICK or arguments[-1] == "demo":
            _hand_over("slurm:" if (folder / jobs.ON_CLUSTER).exists() else "here:", *arguments[1:])
        code = 0
        with self.patch.context() as patch:
            patch.setattr(sys, "argv", arguments[1:])
            try:
                runpy.run_module(arguments[1], run_name="__main__")
            except SystemExit as ended:
                code = int(ended.code or 0)
        write_json(folder / "exit.json", {"code": code})


def _hand_over(*words: object) -> NoReturn:
    raise Begun(" ".join(map(str, words)))


def linked_copy(source: Path, target: Path) -> Path:
    """A copy of a workspace that shares its files: ours are replaced as a whole, never changed in place."""
    for folder, _, files in os.walk(source):
        own = target / Path(folder).relative_to(source)
        own.mkdir(parents=True)
        for name in files:
            os.link(Path(folder) / name, own / name)
    return target
