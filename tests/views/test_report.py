"""The Report view, and the way of a figure into the report."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from core import jobs
from core.recipes.diseases import Auroc
from core.recipes.studies import Prevalence
from core.report.entry import Entry
from core.report.folder import Report
from tests.components import plots
from tests.finished import Finished
from tests.views.test_views import opened, texts

GONE = "ffffffff-ffff-ffff-ffff-ffffffffffff"


@pytest.fixture
def here(finished: Finished) -> Iterator[Finished]:
    """The finished workspace, left without a report."""
    yield finished
    shutil.rmtree(finished.home / "reports", ignore_errors=True)


def button(at: Any, label: str, key: str = "") -> Any:
    return next(one for one in at.button if one.label == label and key in str(one.key))


def test_an_empty_report_says_what_to_do(here: Finished) -> None:
    at = opened("report")
    assert not at.exception and "Nothing is in this report yet" in texts(at)


def test_a_figure_goes_in_and_out_where_it_stands(here: Finished) -> None:
    at = opened(
        "similarity", runs=[here.runs["linear"], here.runs["orthogonal"]], order="name", palette=["#112233", "#aa5500"]
    )
    assert not at.exception
    button(at, "Add to report", "report-similarity-panels-0").click().run()
    entry = Report.named("report").entries()[0]
    assert entry.recipe.figure == "similarity" and entry.recipe.order == "name"  # type: ignore[attr-defined]
    assert entry.palette == ("#112233", "#aa5500") and not entry.dark
    button(at, "In the report", "report-similarity-panels-0").click().run()
    assert not Report.named("report").entries()


def test_every_figure_of_a_view_has_its_button(here: Finished) -> None:
    at = opened("gap", runs=[here.runs["contrastive"]])
    assert len([one for one in at.button if one.label == "Add to report"]) == len(plots(at)) == 5


def test_the_list_is_drawn_moved_described_and_cleared(here: Finished) -> None:
    report = Report.named("report")
    first, second = Entry(recipe=Prevalence(study="tiny")), Entry(recipe=Auroc(runs=(here.runs["linear"],)))
    report.add(first)
    report.add(second)
    at = opened("report")
    assert not at.exception and [plot["alt"][:10] for plot in plots(at)] == ["Prevalence", "AUROC of e"]
    button(at, "", f"up-{second.key}").click().run()
    assert [one.key for one in report.entries()] == [second.key, first.key]
    next(one for one in at.text_input if one.key == f"caption-{first.key}").set_value("How rare they are.").run()
    assert report.entries()[1].caption == "How rare they are."
    button(at, "", f"out-{first.key}").click().run()
    assert [one.key for one in report.entries()] == [second.key] and len(plots(at)) == 1


@pytest.mark.parametrize("name", ["../../etc", "gone", ""])
def test_a_link_to_no_report(here: Finished, name: str) -> None:
    at = opened("studies", study="tiny", report=name)
    assert not at.exception and not at.error and len(plots(at)) == 3
    at = opened("report", report=name)
    assert not at.exception and not at.error and "Nothing is in this report yet" in texts(at)


def test_what_cannot_be_drawn_any_more_says_why(here: Finished) -> None:
    Report.named("report").add(Entry(recipe=Auroc(runs=(GONE,))))
    at = opened("report")
    assert not at.exception and "cannot be drawn any more" in at.error[0].value and not plots(at)


def test_another_report_is_begun(here: Finished) -> None:
    Report.named("report").add(Entry(recipe=Prevalence(study="tiny")))
    at = opened("report")
    next(one for one in at.text_input if one.key == "report-new").set_value("thesis").run()
    button(at, "Begin").click().run()
    assert "Nothing is in this report yet" in texts(at) and at.query_params["report"] in ("thesis", ["thesis"])
    at = opened("studies", study="tiny", report="thesis")
    button(at, "Add to report", "report-studies-prevalence").click().run()
    assert len(Report.named("thesis").entries()) == 1


def test_the_files_are_made_in_the_background(here: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda folder, arguments, **_: started.append(arguments))
    Report.named("report").add(Entry(recipe=Prevalence(study="tiny")))
    button(opened("report"), "Make the files").click().run()
    assert started == [["-m", "scripts.worker", "report", "report"]]
