"""The Curves view of runs whose files were written by hand: numbers of a live one, samples, and the whole export."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config.augmentation import AugmentationConfig
from core.config.presets import preset
from core.files import write_json
from core.jobs import JobState
from core.logbook import Logbook
from core.runs import Run, identity
from core.seen import Seen
from dashboard import showing, watching
from tests.components import plots
from tests.tiny import tiny_study
from tests.views.test_views import opened, texts

STEPS = 5000


def made(name: str, steps: int, **more: Any) -> Run:
    """A run on the tiny study with so many steps in its log."""
    config = preset("linear", study="tiny", encoder="lite").replace(
        label=name, augmentation=AugmentationConfig(noise=9)
    )
    run = Run.create(config)
    draw = np.random.default_rng(steps)
    rows = [
        {
            "step": step,
            "epoch": step / 100,
            "elapsed": step / 7,
            "loss": float(draw.normal()),
            "images_per_second": 412.0,
            "use": {"host_bytes": 1.5 * 2**30},
            **more,
        }
        for step in range(1, steps + 1)
    ]
    (run.folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return run


def running(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    now = {"stage": "train", "unit": "steps", "done": 40, "total": 640, "seconds": 4.0, "rate": 10.0}
    write_json(run.folder / "progress.json", {"now": now, "finished": []})
    state = Run.state
    monkeypatch.setattr(Run, "state", lambda own: JobState("running") if own.id == run.id else state(own))


def test_a_live_run_tells_its_numbers_and_time_to_go(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_study()
    live, done = made("under way", 40), made("finished", 3)
    running(monkeypatch, live)
    at = opened("curves", curves=[live.id, done.id])
    assert not at.exception
    shown = texts(at)
    assert "**412**" in shown and "0\\.40 of" in shown and "1\\.50" in shown  # per second, epochs, GiB
    assert [bar.proto.text for bar in at.get("progress")] == ["Training: 40 of 640 steps · 10/s · 60 s to go"]
    assert shown.count("**412**") == 1  # of the live one alone


def test_a_live_run_keeps_its_figures_while_it_grows_and_only_new_lines_are_read(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_study()
    live = made("under way", 40)
    running(monkeypatch, live)
    at = opened("curves", curves=live.id)
    before = plots(at)
    with (live.folder / "metrics.jsonl").open("a") as stream:
        stream.write(json.dumps({"step": 41, "epoch": 0.41, "elapsed": 6.0, "loss": 7.5}) + "\n")
    taken: list[int] = []
    take = Logbook._take
    monkeypatch.setattr(Logbook, "_take", lambda book, rows: (taken.append(len(rows)), take(book, rows)))
    at.run()
    assert taken == [1]
    after = plots(at)
    assert [one["id"] for one in before] == [one["id"] for one in after] and len(before) == 3
    lines = [plot["figure"]["data"][-1] for plot in (before[0], after[0])]
    assert lines[0]["y"] != lines[1]["y"]


def test_figures_are_thinned_and_their_tables_are_not(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_study()
    run, made_tables = made("long", STEPS), {}
    real = showing._exports

    def exports(figure: Any, key: str, name: Any, table: Any) -> None:
        made_tables[key] = table
        real(figure, key, name, table)

    monkeypatch.setattr(showing, "_exports", exports)
    at = opened("curves", curves=run.id, smoothing="0.5")
    assert not at.exception
    assert all(len(trace["y"]["bdata"]) < 2100 * 8 * 4 / 3 + 8 for trace in plots(at)[0]["figure"]["data"])
    rows = list(csv.reader(io.StringIO(made_tables["curve-loss"]().decode())))
    assert len(rows) == STEPS + 1 and rows[0][-1] == "smoothed (weight 0.5)"


def test_samples_stand_there_when_they_are_wanted(workspace: Path) -> None:
    study = tiny_study(text=True)
    run, other = made("looks", 3), made("has not looked", 3)
    write_json(run.folder / "study.json", identity(study))
    common: dict[str, Any] = {"step": 3, "epoch": 0, "batch": 40, "partners": [], "share": 1.0, "side": 32}
    Seen(**common, rows=[2, 5, 7, 1, 3], turn=0, frozen=False).save(run.folder)
    at = opened("curves", curves=[run.id, other.id])
    assert not at.get("image") and not at.get("imgs")
    at = opened("curves", curves=[run.id, other.id], seen="True")
    assert not at.exception
    captions = [caption for image in at.get("image") for caption in image.captions]
    assert len(captions) == watching.ACROSS and captions[0].startswith("r002") and "noise" in captions[0]
    assert "Each is changed anew in each epoch" in texts(at) and "has not written down a batch" in texts(at)


def test_samples_of_a_study_that_is_gone_are_explained(workspace: Path) -> None:
    run = made("orphan", 3)
    at = opened("curves", curves=run.id, seen="True")
    assert not at.exception
    assert any("No study" in error.value for error in at.error)
    assert plots(at)
