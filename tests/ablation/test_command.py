"""``python -m scripts.ablate``: what it refuses, and in which words."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from core.ablation.folder import Ablation, list_ablations
from core.runs import list_runs
from scripts import ablate
from scripts.common import main
from tests.tiny import tiny_study


def typed(monkeypatch: pytest.MonkeyPatch, words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["python -m scripts.ablate", *words.split()])
    try:
        main(ablate.work)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("", 2, "give --preset NAME"),
        ("show", 2, "give --preset NAME"),
        ("--preset demo list", 2, "give --preset NAME"),
        ("--preset nope", 2, "invalid choice: 'nope'"),
        ("--preset demo --vary head.width 8 --vary head.width 16", 2, "after one --vary"),
        ("--preset demo --vary head.width", 1, "ConfigError: No values are given for head.width"),
        ("--preset demo --vary head.widht 8", 1, "head.kind, head.width, head.layers"),
        ("--preset demo --study nope", 1, "StudyError: No study 'nope'"),
        ("--preset linear --study tiny --vary objective.orthogonal 0 1", 1, "'linear · orthogonal 1' cannot work"),
        ("--preset demo --study tiny --seeds 0 0", 1, "each once"),
        ("--preset demo --study tiny --name ../x", 1, "cannot name an ablation"),
        ("show nope", 1, "RunError: No ablation 'nope'; there is: none yet"),
    ],
)
def test_a_mistake_is_told_and_starts_nothing(
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
    code: int,
    told: str,
) -> None:
    tiny_study(counts=(4, 2, 2))
    assert typed(monkeypatch, words) == code
    ended = capsys.readouterr()
    assert told in ended.err and "Traceback" not in ended.err and ended.out == ""
    assert list_ablations() == [] and list_runs() == []


def test_in_the_background_it_prints_its_name(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_study(counts=(4, 2, 2))
    started: list[str] = []
    monkeypatch.setattr(Ablation, "start", lambda self: started.append(self.id))
    grid = "--preset alignment-losses --study tiny --vary encoder lite --seeds 7"
    assert typed(monkeypatch, f"{grid} --background") == 0
    assert capsys.readouterr().out.strip() == "alignment-losses-tiny-encoder" == started[0]
    assert typed(monkeypatch, "list") == 0
    assert " ".join(capsys.readouterr().out.split()) == "alignment-losses-tiny-encoder 0 of 9 runs not started tiny"
