"""The report: its list, its ZIP, and that a specification makes the same bytes again."""

from __future__ import annotations

import csv
import io
import json
import re
import threading
import zipfile
from pathlib import Path

import numpy as np
import pypdfium2
import pytest

from core.errors import ConfigError, RunError
from core.figures.export import chromium_available
from core.files import read_json, write_json
from core.recipes import diseases, similarity, studies
from core.report.entry import Entry
from core.report.folder import Report, list_reports, report_of
from core.report.methods import OF_FIGURES, methods
from core.runs import Run
from core.studies.study import Study
from core.work_list import all_work
from tests.finished import PLANTED, Finished, command, printed
from tests.recipes.examples import ids
from tests.tiny import until

GONE = "ffffffff-ffff-ffff-ffff-ffffffffffff"


def entries(finished: Finished) -> list[Entry]:
    return [
        Entry(recipe=similarity.Similarity(runs=ids(finished, "orthogonal", "linear")), caption="Prompts *apart*."),
        Entry(recipe=studies.Prevalence(study="tiny"), palette=("#112233", "#445566")),
    ]


class TestList:
    def test_figures_come_once_and_in_their_order(self, stocked: Finished) -> None:
        report = Report.named("mine")
        first, second = entries(stocked)
        assert report.add(first) and report.add(second) and not report.add(first)
        assert report.entries() == [first, second] and [one.id for one in list_reports()] == ["mine"]
        report.move(second.key, -1)
        assert report.entries() == [second, first]
        report.move(second.key, -1)  # at the end it stays
        report.describe(first.key, "  said anew ")
        assert report.entries()[1].caption == "said anew" and report.entries()[1].key == first.key
        report.remove(second.key)
        assert [one.key for one in report.entries()] == [first.key]

    def test_two_pages_lose_nothing(self, stocked: Finished) -> None:
        report, recipe = Report.named("mine"), studies.Prevalence(study="tiny")
        made = [Entry(recipe=recipe, palette=("#000000", f"#0000{at:02x}")) for at in range(1, 25)]
        threads = [threading.Thread(target=report.add, args=(one,)) for one in made]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {one.key for one in report.entries()} == {one.key for one in made}

    def test_what_cannot_be_read_stays_in_the_file(self, stocked: Finished) -> None:
        report = Report.named("mine")
        later = {"form": 9, "recipe": {"figure": "hologram"}}
        write_json(report.folder / "report.json", {"entries": [later, entries(stocked)[0].to_json()]})
        assert len(report.entries()) == 1 and "form 9" in report.unreadable()[0]
        report.add(entries(stocked)[1])
        assert later in read_json(report.folder / "report.json")["entries"] and len(report.entries()) == 2

    def test_names_and_empty_reports(self, stocked: Finished) -> None:
        with pytest.raises(ConfigError, match="cannot name a report"):
            Report.named("../mine")
        with pytest.raises(ConfigError, match="no report 'mine'; there is: none yet"):
            report_of("mine")
        Report.named("mine").begin()
        with pytest.raises(RunError, match="no figure in the report"):
            report_of("mine").start()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([], "JSON object with 'recipe'"),
        ({"recipe": {"figure": "auroc", "runs": ["a"]}, "more": 1}, "JSON object with 'recipe'"),
        ({"recipe": {"figure": "auroc", "runs": ["a"]}, "form": 2}, "this version reads form 1"),
        ({"recipe": {"figure": "auroc", "runs": ["a"]}, "dark": "yes"}, "true or false"),
        ({"recipe": {"figure": "auroc", "runs": ["a"]}, "palette": ["red", "blue"]}, "#rrggbb"),
        ({"recipe": {"figure": "nothing"}}, "no figure 'nothing'"),
    ],
)
def test_a_specification_of_another_form(tmp_path: Path, data: object, said: str) -> None:
    (tmp_path / "spec.json").write_text(json.dumps(data))
    with pytest.raises((ConfigError, ValueError), match=said):
        Entry.load(tmp_path / "spec.json")


def test_no_specification(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no specification"):
        Entry.load(tmp_path / "gone.json")


def made(report: Report) -> zipfile.ZipFile:
    """The ZIP, made in the background as the page has it made."""
    report.start()
    until(lambda: not report.state().busy, 240)
    assert report.state().done, report.failure() or report.log_tail(20)
    return zipfile.ZipFile(report.archive)


@pytest.mark.slow
def test_the_zip_has_all_and_its_commands_make_the_same_bytes(stocked: Finished, tmp_path: Path) -> None:
    report = Report.named("mine")
    for one in entries(stocked):
        report.add(one)
    report.add(Entry(recipe=diseases.Auroc(runs=(GONE,))))
    archive = made(report)
    assert report.current and any(item.kind == "report" and item.id == "mine" for item in all_work())
    assert not [name for name in archive.namelist() if PLANTED.search(archive.read(name))]
    archive.extractall(tmp_path)
    folder = tmp_path / "mine"
    words = (folder / "README.md").read_text()
    assert "Figure 1: Similarity heatmaps" in words and "Prompts *apart*." in words
    assert re.search(r"## Missing\n\n- Figure 3, AUROC by disease: 0 runs begin with 'ffffffff", words)
    one = folder / "figures/01-similarity"
    forms = {"svg", "pdf", "png"} if chromium_available() else set()
    wanted = {f"figure-{wide}.{form}" for form in forms for wide in ("1-column", "2-columns")}
    assert {path.name for path in one.iterdir()} == {*wanted, "figure.html", "data.csv", "spec.json"}
    said = (folder / "methods.md").read_text()
    assert "64 radiographs of 32 patients" in said and "orthogonal (weight 1)" in said and "by patient" in said
    for run in ids(stocked, "orthogonal", "linear"):
        assert read_json(folder / f"runs/{run}/config.json")["config"]["seed"] == 0
        assert read_json(folder / "versions.json")["runs"][run]["packages"]["torch"]
        assert read_json(folder / "random-states.json")[run]["map"] == 0
    line = (folder / "again.sh").read_text().splitlines()[-2]
    assert line.startswith("python -m scripts.export --spec figures/01-similarity/spec.json --format svg")
    for form, own in (("csv", "data.csv"), *((("svg", "figure-1-column.svg"),) if forms else ())):
        out = tmp_path / f"again.{form}"
        spec = ["--spec", str(one / "spec.json"), "--format", form, "--out", str(out)]
        printed(command(stocked.home, "scripts.export", *spec))
        assert out.read_bytes() == (one / own).read_bytes()
    if forms:
        _look_at(one)


def _look_at(folder: Path) -> None:
    """The PDF as a picture has the two heatmaps' blue diagonals, and letters of its own."""
    data = (folder / "figure-2-columns.pdf").read_bytes()
    assert b"/FontFile" in data
    with pypdfium2.PdfDocument(data) as pdf:
        page = np.asarray(pdf[0].render(scale=2).to_pil().convert("RGB"), float)
        text = pdf[0].get_textpage().get_text_bounded()
    blue = (page[..., 2] > 200) & (page[..., 0] < 110)
    share = blue.mean(axis=0)
    assert (share[: page.shape[1] // 2] > 0).sum() > 50 and (share[page.shape[1] // 2 :] > 0).sum() > 50
    assert "Cardiomegaly" in text and "orthogonal" in text


def test_where_nothing_can_be_made_the_reason_is_told(stocked: Finished) -> None:
    report = Report.named("mine")
    report.add(Entry(recipe=diseases.Auroc(runs=(GONE,))))
    report.start()
    until(lambda: not report.state().busy, 120)
    assert report.state().failed and "0 runs begin with" in (report.failure() or "")
    assert not report.archive.exists() and not report.current


def test_methods_tell_only_what_was_done(stocked: Finished) -> None:
    zero, trained = (Run.load(stocked.runs[name]) for name in ("zero-shot", "contrastive"))
    said = methods([zero, trained], [Study.load("tiny")], ["space", "space", "nothing"])
    assert said.count("was not trained on the study") == 1 and "trained for 2 epochs in batches of 16" in said
    assert said.count(OF_FIGURES["space"]) == 1 and "100 replicates" in said
    assert "2 rows of the source were set aside" in said


def test_the_command_line_refuses_in_a_sentence(stocked: Finished) -> None:
    run = stocked.runs["linear"]
    for arguments, said in (
        ([run], "Give --figure NAME"),
        ([run, "--figure", "auroc", "--sauce", "a"], "auroc has no setting sauce"),
        ([run, "--figure", "difference"], "A difference is of two"),
        ([run, "--spec", "gone.json"], "has no place beside it"),
    ):
        told = printed(command(stocked.home, "scripts.export", *arguments), code=1)
        assert said in told and "Traceback" not in told


def test_a_table_on_the_command_line(stocked: Finished, tmp_path: Path) -> None:
    out = tmp_path / "x.csv"
    arguments = ["--figure", "prevalence", "--study", "tiny", "--format", "csv", "--out", str(out)]
    printed(command(stocked.home, "scripts.export", *arguments))
    rows = list(csv.reader(io.StringIO(out.read_text())))
    assert len(rows) > 14
