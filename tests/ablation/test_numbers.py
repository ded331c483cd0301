"""From runs to numbers, CSV and LaTeX: known values, missing ones, and text that others wrote."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from core.ablation.folder import Ablation
from core.ablation.grids import ablation
from core.ablation.numbers import METRICS, Row, Table, compare
from core.ablation.table import number, p_value, to_csv, to_latex
from core.errors import ConfigError
from core.pictures.ablation import forest
from core.pictures.source import Files, Source
from core.published import LINES, MARK
from core.runs import Run
from core.studies.study import Study
from scripts.comparing import comparison
from tests.ablation.planned import Known, judge, of_finished
from tests.finished import Finished
from tests.tiny import tiny_study

KNOWN = cast(Source, Known())


@pytest.fixture
def planned(workspace: Path) -> tuple[Ablation, Study]:
    """Three configurations over three seeds; of the last one, one seed is done and one was made from another study."""
    study = tiny_study(counts=(4, 2, 2))
    made = Ablation.create(ablation("demo", study="tiny", name="x"))
    for cell in made.cells:
        Run.create(cell.config, cell.run.id)
        better = {"linear": 0.0, "orthogonal": 0.1, "contrastive": -0.001}[cell.label]
        if cell.label != "contrastive" or cell.seed == 0:
            value = 0.7 + better + 0.01 * cell.seed
            judge(cell.run, study, auroc=value, mse=0.06, prompt_cosine=0.5 - better, recall=1.0)
        elif cell.seed == 1:
            judge(cell.run, tiny_study("other", counts=(4, 2, 4)), auroc=0.1)
    return made, study


def rows(table: Table) -> dict[str, Row]:
    return {row.label: row for row in table.rows}


def test_means_and_differences(planned: tuple[Ablation, Study]) -> None:
    table = compare(KNOWN, *planned)
    linear, orthogonal, contrastive = table.rows
    assert (table.baseline, table.runs_done, table.runs_planned, table.n_patients) == ("linear", 7, 9, 6)
    assert (linear.summaries["auroc"].mean, linear.summaries["auroc"].sd) == pytest.approx((0.71, 0.01))
    assert linear.difference is None and linear.summaries["auroc"].patients_high == pytest.approx(0.7195)
    assert orthogonal.difference and contrastive.difference
    assert orthogonal.difference.value == pytest.approx(0.1) and orthogonal.difference.per_seed == pytest.approx(
        [0.1] * 3
    )
    assert orthogonal.difference.p == pytest.approx(0.02) and orthogonal.difference.p_holm == pytest.approx(0.04)
    assert orthogonal.difference.beyond_chance and table.comparisons == 2
    assert contrastive.difference.seeds == (0,) and contrastive.difference.value == pytest.approx(-0.001)
    assert orthogonal.summaries["recall_5_image_to_text"].mean == 0.5
    assert orthogonal.summaries["gap"].n == 0 and math.isnan(orthogonal.summaries["gap"].mean)
    assert "head.kind" in table.paths and orthogonal.settings[table.paths.index("head.kind")] == "disease-tokens"


def test_what_is_not_done_is_missing_and_says_why(planned: tuple[Ablation, Study]) -> None:
    contrastive = rows(compare(KNOWN, *planned))["contrastive"]
    assert contrastive.summaries["auroc"].n == 1 and contrastive.planned == 3
    assert set(contrastive.lacking) == {1, 2}
    assert "another version of the study" in contrastive.lacking[1] and contrastive.lacking[2] == "at work"
    text = comparison(compare(KNOWN, *planned))
    assert "contrastive, seed 1: made from another version" in text and "1 of 3" in text
    means = [line for line in text.splitlines() if line.startswith(("linear ", "orthogonal ")) and " ± " in line][:2]
    assert all("–  " in line for line in means), "no gap was measured, and none is made up"


def test_measures_without_patients_are_compared_over_seeds(planned: tuple[Ablation, Study]) -> None:
    table = compare(KNOWN, *planned, metric="prompt_cosine", baseline="orthogonal")
    linear = rows(table)["linear"].difference
    assert linear and linear.value == pytest.approx(0.1) and linear.p == 0 and "paired t test over seeds" in table.how
    contrastive = rows(table)["contrastive"].difference
    assert contrastive and math.isnan(contrastive.p) and table.comparisons == 1
    gap = compare(KNOWN, *planned, metric="gap")
    assert gap.comparisons == 0 and all(math.isnan(row.difference.value) for row in gap.rows[1:] if row.difference)


def test_too_many_comparisons_say_so(planned: tuple[Ablation, Study]) -> None:
    table = compare(KNOWN, *planned)
    assert "none can come out" not in table.how
    assert "none can come out" in Table(**{**vars(table), "comparisons": 51}).how


@pytest.mark.parametrize("options", [{"baseline": "nope"}, {"metric": "nope"}])
def test_unknown_names_are_refused(planned: tuple[Ablation, Study], options: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="there are the configurations linear, orthogonal"):
        compare(KNOWN, *planned, **options)


def test_csv_has_every_number_and_no_zero_for_missing(planned: tuple[Ablation, Study]) -> None:
    table = compare(KNOWN, *planned)
    made = to_csv(table)
    assert made == to_csv(compare(KNOWN, *planned))
    found = list(csv.DictReader(io.StringIO(made.decode())))
    assert [line["configuration"] for line in found[:3]] == ["linear", "orthogonal", "contrastive"]
    assert {line["kind"] for line in found[3:]} == {MARK} and len(found) == 3 + len(LINES)
    assert float(found[0]["auroc_mean"]) == pytest.approx(0.71) and found[1]["beyond_chance"] == "yes"
    assert found[0]["gap_n"] == "0" and found[0]["gap_mean"] == "" and found[2]["auroc_sd"] == ""
    assert found[0]["difference"] == "" and float(found[1]["p_holm"]) == pytest.approx(0.04)
    assert found[1]["head.kind"] == "disease-tokens" and found[1]["baseline"] == "linear"
    assert "nan" not in made.decode()


def test_latex_is_escaped_and_the_same_twice(planned: tuple[Ablation, Study]) -> None:
    table = compare(KNOWN, *planned)
    made = to_latex(table).decode()
    assert made == to_latex(compare(KNOWN, *planned)).decode()
    body = [line for line in made.splitlines() if line.endswith(r"\\") and "multicolumn" not in line]
    assert len({line.replace(r"\&", "").count("&") for line in body}) == 1 and len(body) == 4
    assert r"95\,\%" in made and "$0.710 \\pm 0.010$" in made and r"$\mathbf{+0.100" in made and MARK in made
    assert made.count(r"\begin{") == made.count(r"\end{") and r"\toprule" in made and "nan" not in made


def test_hostile_names_stay_text(planned: tuple[Ablation, Study]) -> None:
    table = compare(KNOWN, *planned)
    hostile = r"=cmd|' /C calc'!A0 \input{x} 50% & $x_1$ ~^#"
    row = table.rows[0]
    bad = Table(**{**vars(table), "rows": (Row(**{**vars(row), "label": hostile}), *table.rows[1:])})
    assert next(csv.reader(io.StringIO(to_csv(bad).decode().split("\n", 1)[1])))[1] == "'" + hostile
    line = next(line for line in to_latex(bad).decode().splitlines() if "cmd" in line)
    for wanted in (r"\textbackslash{}input\{x\}", r"50\%", r"\&", r"\$x\_1\$", r"\textasciitilde{}", r"\#"):
        assert wanted in line


def test_the_figure_shows_the_tables_differences(planned: tuple[Ablation, Study]) -> None:
    figure = forest(compare(KNOWN, *planned))
    beyond = next(trace for trace in figure.data if trace.name == "larger than chance")
    assert list(beyond.text) == ["orthogonal", "contrastive"]  # the same noise in both: it cancels
    assert beyond.x[0] == pytest.approx(0.1) and list(beyond.y) == [0, 1]
    assert "Macro AUROC: difference to linear" in figure.layout.xaxis.title.text


def test_finished_runs_give_the_numbers_of_their_evaluation(finished: Finished) -> None:
    made = of_finished(finished, "linear", "orthogonal", "contrastive", name="numbers")
    study = Study.load("tiny")
    table = compare(Files(), made, study)
    for row in table.rows:
        report = Run.load(finished.runs[row.label]).evaluation()
        assert row.summaries["auroc"].mean == pytest.approx(report["test"]["macro"]["auroc"]["value"])
        assert row.summaries["prompt_cosine"].mean == pytest.approx(report["space"]["prompts"]["mean_abs"])
        assert row.summaries["auroc"].n == 1 and math.isnan(row.summaries["auroc"].sd)
        scores = Files().patient_scores(Run.load(finished.runs[row.label]), study).scores
        for name, own in scores.items():
            assert own.value == pytest.approx(row.summaries[name].mean), name
            assert METRICS[name].resampled
        wanted = report["test"]["macro"]["auroc"]
        ends = np.percentile(scores["auroc"].replicates, [2.5, 97.5])
        assert ends == pytest.approx([wanted["low"], wanted["high"]], abs=0.08)
    assert table.n_patients == 6 and table.comparisons == 2
    assert "paired bootstrap" in comparison(table) and to_csv(table) and to_latex(table)


@pytest.mark.parametrize(
    ("value", "options", "shown"),
    [(0.1234, {}, "0.123"), (-0.1, {"signed": True}, "−0.100"), (0.1, {"signed": True}, "+0.100"), (math.nan, {}, "–")],
)
def test_numbers_as_they_are_shown(value: float, options: dict[str, Any], shown: str) -> None:
    assert number(value, **options) == shown
    assert (p_value(0.0), p_value(0.04), p_value(math.nan)) == ("< 0.001", "0.040", "–")
