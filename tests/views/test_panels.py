"""The inspector and the selection panel, alone on a page: what they show, count and refuse."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.metrics.neighbours import nearest
from core.metrics.prevalence import enrichment
from core.runs import Run
from core.studies.manifest import About
from core.studies.study import Study
from core.studies.vocabulary import NIH_FINDINGS, display_name
from core.studies.writing import write_study
from core.workspace import ROOT
from dashboard.selected import ids_csv
from tests.components import figures, plots
from tests.finished import Finished
from tests.odd import all_stages, one_process, quick
from tests.tiny import SIDE, given, picture, tiny_study
from tests.views.test_views import texts, two

PANELS = str(ROOT / "tests" / "browser" / "apps" / "panels.py")
HOSTILE = "<b>x</b> ![](http://example.invalid/x.png)"


def opened(**query: str | list[str]) -> AppTest:
    at = AppTest.from_file(PANELS, default_timeout=60)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def caught(finished: Finished, rows: list[int], *runs: str) -> AppTest:
    return opened(runs=list(runs) or [finished.runs["linear"]], rows=[str(row) for row in rows] or ["none"])


def field(at: AppTest, label: str) -> Any:
    return next(one for one in at.text_input if one.label == label)


def busiest(study: Study) -> int:
    """The row with the most findings: ids, and with them the order of rows, are salted anew for each workspace."""
    return int((study.labels == 1).sum(axis=1).argmax())


class TestInspector:
    def test_what_each_model_says(self, finished: Finished) -> None:
        study, ids = Study.load("tiny"), two(finished)
        row = busiest(study)
        at = opened(runs=ids, sample=str(study.samples["id"].iloc[row]))
        assert not at.exception and not at.error
        table = at.dataframe[0].value
        for run_id in ids:
            run = Run.load(run_id)
            own = run.predictions()[[f"probability:{name}" for name in study.findings]].iloc[row].to_numpy()
            error = dict(zip(table["Finding"], table[f"error of {run_id[:4]}"], strict=True))
            for finding, probability, label in zip(study.findings, own, study.labels[row], strict=True):
                assert error[display_name(finding)] == pytest.approx(abs(label - probability), abs=1e-6)
        present = (study.labels[row] == 1).sum()
        assert set(table["Label"][:present]) == {"present"} and "present" not in set(table["Label"][present:])

    def test_ten_neighbours_in_each_models_own_space(self, finished: Finished) -> None:
        study, ids = Study.load("tiny"), two(finished)
        row = busiest(study)
        at = opened(runs=ids, sample=str(study.samples["id"].iloc[row]))
        found = {one: nearest(Run.load(one).embeddings("images").vectors, row, 10).indices.tolist() for one in ids}
        shared = len(set(found[ids[0]]) & set(found[ids[1]]))
        lines = [one.value for one in at.markdown if "shared with another model" in one.value]
        assert len(lines) == 2 and all(f"{shared} shared with another model" in line for line in lines)
        same = {
            one: sum((study.labels[near] == study.labels[row]).all() for near in rows) for one, rows in found.items()
        }
        for one, line in zip(ids, lines, strict=True):
            assert f"{same[one]} of 10 have exactly the same findings" in line
            keys = [button.key for button in at.button if str(button.key).startswith(f"near-{one}")]
            assert keys == [f"near-{one}-{near}" for near in found[one]]
        assert sum("also near in" in one.value for one in at.caption) == 2 * shared

    def test_findings_that_agree_are_in_bold(self, finished: Finished) -> None:
        study = Study.load("tiny")
        row, run = busiest(study), finished.runs["linear"]
        at = opened(runs=[run], sample=str(study.samples["id"].iloc[row]))
        near = nearest(Run.load(run).embeddings("images").vectors, row, 10)
        told = [one.value for one in at.caption if re.match(r"-?\d\.\d{3} · ", one.value)]
        for other, cosine, words in zip(near.indices, near.cosines, told, strict=True):
            assert words.startswith(f"{cosine:.3f}")
            for at_, name in enumerate(study.findings):
                bold = f"**{display_name(name)}**" in words
                assert bold == bool(study.labels[row, at_] == 1 and study.labels[other, at_] == 1)

    def test_thumbnails_can_be_switched_off(self, finished: Finished) -> None:
        study = Study.load("tiny")
        row = busiest(study)
        at = opened(runs=[finished.runs["linear"]], sample=str(study.samples["id"].iloc[row]))
        before = len(at.get("image")) + len(at.get("imgs"))
        at.toggle[0].set_value(False).run()
        assert before - len(at.get("image")) - len(at.get("imgs")) == 10
        assert at.query_params["thumbnails"] in ("False", ["False"])

    def test_a_radiograph_by_its_id(self, finished: Finished) -> None:
        study = Study.load("tiny")
        at = opened(runs=[finished.runs["linear"]])
        wanted = str(study.samples["id"].iloc[9])
        field(at, "Go to a radiograph").set_value(f" {wanted} ").run()
        assert f"looked at {wanted}" in texts(at) and wanted in at.query_params["sample"]
        field(at, "Go to a radiograph").set_value(HOSTILE).run()
        assert "No radiograph of study tiny has the id “\\<b\\>x" in at.error[0].value
        assert f"looked at {wanted}" in texts(at)

    def test_look_goes_to_a_neighbour(self, finished: Finished) -> None:
        study = Study.load("tiny")
        row = busiest(study)
        at = opened(runs=[finished.runs["linear"]], sample=str(study.samples["id"].iloc[row]))
        button = next(one for one in at.button if str(one.key).startswith("near-"))
        near = int(str(button.key).rsplit("-", 1)[1])
        button.click().run()
        assert f"looked at {study.samples['id'].iloc[near]}" in texts(at)


class TestSelection:
    def test_numbers_are_those_of_the_metric(self, finished: Finished) -> None:
        study, rows = Study.load("tiny"), list(range(0, 60, 3))
        at = caught(finished, rows)
        assert not at.exception and "Selected: 20 of 64 radiographs" in texts(at)
        found = enrichment(study.labels, rows)
        table = next(one.value for one in at.dataframe if "p (Holm)" in one.value.columns).set_index("Finding")
        for name, one in zip(NIH_FINDINGS, found, strict=True):
            told = table.loc[display_name(name)]
            assert (told["n"], told["n of the rest"]) == (one.known, one.rest_known)
            assert told["Selection"] == pytest.approx(one.share) and told["p (Holm)"] == pytest.approx(one.p_holm)
        assert len(figures(at)) == 1 and "20 selected" in plots(at)[0]["alt"]
        assert list(table["Selection"] - table["Rest"]) == sorted(table["Selection"] - table["Rest"], reverse=True)

    def test_who_is_in_it(self, finished: Finished) -> None:
        study, rows = Study.load("tiny"), study_rows("test")
        at = caught(finished, rows)
        table = next(one.value for one in at.dataframe if "Rest" in one.value.columns and "" in one.value.columns)
        told = dict(zip(table[""], zip(table["Selection"], table["Rest"], strict=True), strict=True))
        assert told["Split: test"] == (f"100.0% ({len(rows)})", "0.0% (0)")
        assert told["Mean age"] == (f"50.0 y (n={len(rows)})", f"50.0 y (n={len(study) - len(rows)})")
        run = Run.load(finished.runs["linear"])
        own = run.predictions()[[f"probability:{name}" for name in study.findings]].to_numpy()
        assert told[f"Error of {run.id[:4]}"][0].startswith(f"{np.abs(study.labels - own)[rows].mean():.3f}")

    def test_it_can_be_let_go(self, finished: Finished) -> None:
        at = caught(finished, [1, 2, 3])
        assert "let go" not in texts(at)
        next(button for button in at.button if button.label == "Clear").click().run()
        assert "the selection is let go" in texts(at)

    def test_nothing_everything_and_one(self, finished: Finished) -> None:
        nothing = caught(finished, [])
        assert not nothing.exception and "Nothing is selected" in texts(nothing) and not figures(nothing)
        everything = caught(finished, list(range(64)))
        assert not everything.exception and "no rest to compare" in texts(everything) and not figures(everything)
        one = caught(finished, [7])
        assert not one.exception and len(figures(one)) == 1

    def test_the_ids_as_a_file(self, finished: Finished) -> None:
        study = Study.load("tiny")
        rows = list(csv.DictReader(io.StringIO(ids_csv(study, np.array([3, 9])).decode())))
        assert [row["id"] for row in rows] == study.samples["id"].iloc[[3, 9]].tolist()
        for row, at in zip(rows, (3, 9), strict=True):
            assert [row[name] for name in study.findings] == [
                "present" if value == 1 else "absent" for value in study.labels[at]
            ]


def study_rows(split: str) -> list[int]:
    rows: list[int] = Study.load("tiny").rows(split).tolist()
    return rows


class TestOddStudies:
    """Users' words are inert, boxes are drawn, and what is not known is not guessed."""

    def test_boxes_hostile_words_and_formulas(self, workspace: Path) -> None:
        run = hostile_study()
        at = opened(runs=[run.id], sample="=cmd|' /C calc'!A0")
        assert not at.exception
        assert any("marked: \\<b\\>mass" in one.value for one in at.caption)
        for one in [*at.markdown, *at.caption]:
            assert "<b>" not in one.value.replace("\\<b", "") and "![](" not in one.value
        made = ids_csv(Study.load("odd"), np.arange(2)).decode()
        assert made.splitlines()[1].startswith("'=cmd")
        at = opened(runs=[run.id], rows=["0", "1", "2"])
        assert not at.exception and len(figures(at)) == 1
        assert "example.invalid" not in json.dumps([one.value for one in at.markdown if "![](" in one.value])

    @pytest.mark.parametrize("kind", [{"findings": ()}, {"labels": lambda drawn: np.full_like(drawn, np.nan)}])
    def test_without_findings_or_labels(self, workspace: Path, kind: dict[str, Any]) -> None:
        with one_process():
            tiny_study(counts=(6, 3, 3), text=True, **kind)
            run = all_stages(quick("zero-shot"))
        at = opened(runs=[run.id], sample="r003")
        assert not at.exception and "The chosen radiograph" in texts(at)
        assert "Mean error" not in texts(at)
        at = opened(runs=[run.id], rows=["1", "2"])
        assert not at.exception
        assert "no findings" in texts(at) or "0 of 14 findings differ" in texts(at)

    def test_one_radiograph_alone_has_no_neighbours(self, workspace: Path) -> None:
        with one_process():
            tiny_study(counts=(0, 0, 1))
            run = all_stages(quick("zero-shot"))
        at = opened(runs=[run.id], sample="r000")
        assert not at.exception and "it has no neighbours" in texts(at)
        assert not opened(runs=[run.id], rows=["0"]).exception


def hostile_study() -> Run:
    """Twelve radiographs with names, findings and texts as an attacker would write them, and a box."""
    rng, finding = np.random.default_rng(0), "<b>Mass"
    values = (np.arange(12) % 3 == 0).astype(np.float32)
    samples = pd.DataFrame(
        {
            "id": ["=cmd|' /C calc'!A0", *(f"r{at:02d}{HOSTILE}" for at in range(1, 12))],
            "patient": [f"p{at}" for at in range(12)],
            "split": ["train"] * 6 + ["val"] * 3 + ["test"] * 3,
            "text": [HOSTILE] * 12,
            "age": np.full(12, 50, np.float32),
            "sex": "F",
            "view": HOSTILE,
            f"finding:{finding}": values,
        }
    )
    pictures = given([picture([value], rng) for value in values])
    boxes = pd.DataFrame(
        {"id": [samples["id"][0]], "finding": [finding], "x": [0.1], "y": [0.1], "width": [0.3], "height": [0.3]}
    )
    about = About(source="test", title="Odd", synthetic=True, boxes=boxes)
    write_study("odd", samples, pictures, size=SIDE, findings=(finding,), about=about)
    with one_process():
        return all_stages(quick("zero-shot", study="odd"))
