"""Pictures and exports of metrics: which lines there are, along what, and that nothing is left out of the CSV."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config.presets import preset
from core.errors import InputError
from core.figures.curves import smooth
from core.pictures.curves import PARTS, QUANTITIES, curves, curves_csv, note
from core.pictures.source import Files
from core.runs import Run

FILES = Files()


def run_of(folder: Path, rows: list[dict[str, Any]], label: str = "one") -> Run:
    folder.mkdir()
    config = preset("linear", study="tiny", encoder="lite").replace(label=label)
    (folder / "config.json").write_text(json.dumps({"config": config.to_json(), "created": 0.0, "provenance": {}}))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Run(folder)


def step(at: int, **more: Any) -> dict[str, Any]:
    return {"step": at, "epoch": at / 10, "elapsed": 2.0 * at, "loss": 1 / at, **more}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    first = {"references": {"orthogonal": {"chance": 0.25, "floor": None}}, "note": "No validation AUROC."}
    rows = [
        step(
            at,
            terms={"orthogonal": 0.1 * at},
            learning_rate=0.01,
            learning_rates={"head": 0.01, "text tower": 0.001},
            **({"use": {"host_bytes": 3 << 30, "accelerator_busy": 0.5}} if at % 4 == 1 else {}),
            **({"validation": {"loss": 2.0}} if at % 10 == 0 else {}),
        )
        for at in range(1, 31)
    ]
    return run_of(tmp_path / "aaaa", [first, *rows, {"note": "Pruned."}])


def test_only_what_the_run_has_is_drawn(run: Run) -> None:
    drawn = [name for name in QUANTITIES if curves(FILES, [run], name) is not None]
    expected = ["loss", "orthogonal", "validation_loss", "learning_rate", "host_memory", "accelerator_busy"]
    assert drawn == expected
    assert {QUANTITIES[name].part for name in drawn} == set(PARTS) == {one.part for one in QUANTITIES.values()}


def test_values_in_their_units_at_their_steps(run: Run) -> None:
    made = curves(FILES, [run], "host_memory")
    assert made is not None and made.layout.yaxis.rangemode == "tozero"
    assert list(made.data[0].x) == [1, 5, 9, 13, 17, 21, 25, 29] and set(made.data[0].y) == {3.0}
    busy = curves(FILES, [run], "accelerator_busy", smoothing=0)
    assert busy is not None and set(busy.data[0].y) == {50.0}
    judged = curves(FILES, [run], "validation_loss", axis="epoch")
    assert judged is not None and list(judged.data[0].x) == [1, 2, 3] and len(judged.data) == 1  # never smoothed


def test_rates_of_head_and_tower_are_two_lines_of_one_colour(run: Run) -> None:
    made = curves(FILES, [run], "learning_rate")
    assert made is not None
    assert [line.name for line in made.data] == ["head", "text tower"]
    both = curves(FILES, [run, run], "learning_rate")
    assert both is not None and both.data[0].name == "one · aaaa · head"
    assert made.data[0].line.color == made.data[1].line.color
    assert [line.line.dash for line in made.data] == ["solid", "dash"]
    assert [line.y[0] for line in made.data] == [0.01, 0.001]


@pytest.mark.parametrize(("last", "unit", "scale"), [(100, "s", 1), (1000, "min", 60), (9000, "h", 3600)])
def test_training_time_is_told_in_a_unit_that_fits(tmp_path: Path, last: float, unit: str, scale: float) -> None:
    run = run_of(tmp_path / "timed", [step(1, elapsed=last / 2), step(2, elapsed=last)])
    made = curves(FILES, [run], "loss", axis="elapsed")
    assert made is not None and made.layout.xaxis.title.text == f"Training time ({unit})"
    assert list(made.data[0].x) == [last / 2 / scale, last / scale]


def test_references_and_notes(run: Run) -> None:
    made = curves(FILES, [run], "orthogonal")
    assert made is not None and [one.text for one in made.layout.annotations] == ["chance 0.25"]
    assert note(FILES, run) == "No validation AUROC. Pruned."


def test_the_table_holds_every_value_raw_and_smoothed(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=5000)
    rows = [step(at + 1, loss=float(value)) for at, value in enumerate(values)]
    one, two = run_of(tmp_path / "aaaa", rows), run_of(tmp_path / "bbbb", [step(7)], label="=1+1")
    drawn = curves(FILES, [one, two], "loss", smoothing=0.9)
    assert drawn is not None and len(drawn.data[0].x) < 2100
    head, *found = list(csv.reader(io.StringIO(curves_csv(FILES, [one, two], "loss", smoothing=0.9).decode())))
    assert head == ["curve", "step", "epoch", "elapsed (s)", "Loss (weighted sum)", "smoothed (weight 0.9)"]
    assert len(found) == 5001
    assert [float(row[4]) for row in found[:-1]] == values.tolist()
    assert np.allclose([float(row[5]) for row in found[:-1]], smooth(values, 0.9))
    assert found[2][:4] == ["one · aaaa", "3", "0.3", "6.0"]
    assert found[-1][0] == "'=1+1 · bbbb" and float(found[-1][5]) == pytest.approx(1 / 7)  # no formula in a spreadsheet


def test_a_table_of_nothing_says_so(run: Run) -> None:
    with pytest.raises(InputError, match="no value of 'Processor cores at work' yet"):
        curves_csv(FILES, [run], "cores")


def test_a_row_without_time_has_no_place_along_it(tmp_path: Path) -> None:
    run = run_of(tmp_path / "old", [{"step": 1, "loss": 2.0}, step(2)])
    by_step, by_time = (curves(FILES, [run], "loss", axis=axis) for axis in ("step", "elapsed"))
    assert by_step is not None and by_time is not None
    assert (len(by_step.data[0].x), len(by_time.data[0].x)) == (2, 1)
