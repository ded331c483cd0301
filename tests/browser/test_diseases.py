"""The Diseases view in a real browser: a cell's radiographs, the threshold slider, the difference of two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.test_app import PLOT, app, linked, page, query, settled, shot, visit
from tests.finished import Finished
from tests.tiny import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
__all__ = ["app", "page"]

FIGURES = f"[...document.querySelectorAll('{PLOT}')]"
FIND = f"alt => {FIGURES}.find(node => node.closest('[aria-label]')?.ariaLabel.startsWith(alt))"
"""A figure by the beginning of its alternative text."""


def counts(page: Page, alt: str, line: int) -> list[list[int]]:
    """What stands in a line of the cells of a figure's first matrix."""
    text: list[list[str]] = page.evaluate(f"alt => ({FIND})(alt).data[0].text", alt)
    return [[int(cell.split("<br>")[line].split()[0]) if "<br>" in cell else 0 for cell in row] for row in text]


def click_cell(page: Page, alt: str, row: int, column: int, columns: int = 2) -> None:
    """A real click into a cell of a figure's first matrix."""
    figure = page.evaluate_handle(FIND, alt).as_element()
    assert figure is not None
    figure.scroll_into_view_if_needed()
    layer: Any = figure.query_selector(".hm")
    box = layer.bounding_box()
    page.mouse.click(box["x"] + box["width"] * (column + 0.5) / columns, box["y"] + box["height"] * (row + 0.5) / 2)


def title(page: Page, part: str) -> str:
    found = page.get_by_role("heading").filter(has_text=part)
    found.wait_for()
    return str(found.inner_text())


def test_a_cell_its_radiographs_and_the_slider(app: str, page: Page, finished_workspace: Finished) -> None:
    visit(page, f"{app}/diseases?{query(finished_workspace, 'orthogonal')}&disease=Edema", 3)
    (tn, fp), _ = before = counts(page, "14 confusion matrices", 1)
    column = int(fp > 0)
    click_cell(page, "14 confusion matrices", 0, column)
    assert title(page, "worst first").startswith(f"Atelectasis: {(tn, fp)[column]} ")
    linked(page, f"cell=Atelectasis.0.{column}")
    assert "disease=" not in page.url, "the first one is the default"
    settled(page, 3)
    page.evaluate(f"() => {{ window.before = ({FIND})('Confusion matrix of') }}")
    slider = page.get_by_role("slider", name="Threshold of Atelectasis")
    slider.press("Home" if column == 0 else "End")  # nothing, or everything, is called present
    until(lambda: counts(page, "Confusion matrix of", 1) != before, 60)
    (tn, fp), (fn, tp) = counts(page, "Confusion matrix of", 1)
    assert (tn, fn) == (0, 0) if column == 0 else (fp, tp) == (0, 0)
    until(lambda: title(page, "worst first").startswith("Atelectasis: 0 "), 60)
    page.get_by_text("No radiograph lies here.").wait_for()
    linked(page, "own-Atelectasis=")
    assert page.evaluate(f"() => window.before === ({FIND})('Confusion matrix of')"), "it changed in the same picture"
    shot(page, "diseases-threshold")
    page.get_by_role("button", name="Back to the rule's").click()
    until(lambda: counts(page, "Confusion matrix of", 1) == before, 60)
    assert page.get_by_test_id("stException").count() == 0


def test_the_difference_of_two_runs(app: str, page: Page, finished_workspace: Finished) -> None:
    runs = query(finished_workspace, "orthogonal", "contrastive")
    visit(page, f"{app}/diseases?{runs}&disease=Mass&rule=own&threshold=0.45", 6)
    text = page.evaluate(f"alt => ({FIND})(alt).data[4].text", "Confusion matrices of")
    assert len(text) == 2 and all(cell == "n=0" or cell.count("<br>") == 2 for row in text for cell in row)
    page.get_by_text("McNemar p").first.wait_for()
    pairs = counts(page, "Who is right", 0)
    row, column = max(((r, c) for r in (0, 1) for c in (1, 2)), key=lambda at: pairs[at[0]][at[1]])
    assert pairs[row][column], "the runs differ somewhere"
    click_cell(page, "Who is right", row, column, columns=4)
    words = f"only {'AB'[column - 1]} right"
    label = ("absent", "present")[row]
    assert title(page, words).startswith(f"Mass {label}: {pairs[row][column]}, {words}")
    settled(page, 6)
    page.get_by_text("A 0.").first.wait_for()
    page.get_by_role("button", name="Look").first.click()
    page.get_by_text("The chosen radiograph").wait_for()
    linked(page, f"pair=Mass.{row}", "sample=")
    shot(page, "diseases-difference")
    assert page.get_by_test_id("stException").count() == 0
