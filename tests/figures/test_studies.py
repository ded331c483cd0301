"""Figures of what a study is made of: sorted, marked, in shares, and silent where nothing is known."""

from __future__ import annotations

import csv
import html
import io
import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.errors import InputError
from core.figures.studies import LONGEST, cut, in_words, percent, short_names, split_colour
from core.figures.studies_findings import co_occurrence, group_colour, prevalence
from core.figures.studies_people import ages, category_shares, per_patient
from core.figures.studies_sets import NO_FINDING, upset
from core.figures.studies_texts import text_lengths, words
from core.figures.tabular import figure_csv
from core.figures.theme import DARK, LIGHT, Theme
from core.pictures import studies
from core.studies.study import COLUMNS, PREFIX
from core.studies.summary import summarise
from tests.figures.test_theme import contrast

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
NAMES = ["Hernia", "Mass", "Effusion", "Never", "Unknown"]
PRESENT = [[1, 0, 0], [5, 0, 0], [30, 10, 5], [0, 0, 0], [0, 0, 0]]
ABSENT = [[99, 0, 0], [45, 25, 25], [30, 10, 15], [50, 0, 0], [0, 0, 0]]
NONE = np.zeros((5, 3), int)
GROUPS = ["tail", "medium", "head", "tail", "none known"]
LIMITS = (10.0, 1.0)


def made(**options: Any) -> Any:
    return prevalence(NAMES, PRESENT, ABSENT, NONE, NONE + 2, groups=GROUPS, limits=LIMITS, **options)


def traces(figure: Any) -> dict[str, Any]:
    return {trace.name: trace for trace in figure.data}


def notes(figure: Any) -> list[str]:
    return [html.unescape(note.text) for note in figure.layout.annotations]


class TestPrevalence:
    def test_the_most_frequent_comes_first_and_the_unknown_last(self) -> None:
        assert list(made().layout.yaxis.ticktext) == [
            "Effusion · 45 % (n=45)", "Mass · 5 % (n=5)", "Hernia · 1 % (n=1)", "Never · 0 % (n=0)",
            "Unknown · not known (n=0)",
        ]  # fmt: skip
        low, high = made().layout.yaxis.range
        assert low > 4 and high < 0  # drawn from top to bottom

    @pytest.mark.parametrize("log", [False, True])
    def test_head_medium_and_tail_by_colour_and_line(self, log: bool) -> None:
        figure = made(log=log)
        bars = [trace for trace in figure.data if trace.type == "bar"]
        assert [(bar.name, list(bar.x), list(bar.y)) for bar in bars] == [
            ("head (> 10 %)", [45], [0]), ("medium (1 to 10 %)", [5], [1]),
            ("tail (≤ 1 %)", [1, 0], [2, 3]),
        ]  # fmt: skip
        assert [bar.marker.color for bar in bars] == [group_colour(at, LIGHT) for at in range(3)]
        assert [shape.x0 for shape in figure.layout.shapes] == [10, 1]
        assert [note.x for note in figure.layout.annotations] == ([1, 0] if log else [10, 1])
        assert notes(figure) == ["head > 10 %", "tail ≤ 1 %"]

    def test_groups_and_limits_are_those_that_are_passed(self) -> None:
        figure = prevalence(["a", "b"], [[1], [9]], [[9], [1]], [[0]] * 2, [[0]] * 2, groups=["head", "none known"],
                            limits=(5, 0.5), splits=["test"])  # fmt: skip
        bars = [(bar.name, list(bar.y)) for bar in figure.data if bar.type == "bar"]
        assert bars == [("head (> 5 %)", [1]), ("medium (0.5 to 5 %)", []), ("tail (≤ 0.5 %)", [])]
        assert notes(figure) == ["head > 5 %", "tail ≤ 0.5 %"]
        with pytest.raises(InputError, match="1 findings, 2 groups"):
            prevalence(["a"], [[1]], [[9]], [[0]], [[0]], groups=["head", "tail"], limits=LIMITS, splits=["test"])

    def test_marks_are_the_splits_and_a_split_without_labels_has_none(self) -> None:
        found = traces(made())
        assert list(found["train"].x)[:3] == [50, 10, 1] and math.isnan(found["train"].x[4])
        assert list(found["test"].x)[:2] == [25, 0] and math.isnan(found["val"].x[2])
        assert [found[name].marker.color for name in ("train", "val", "test")] == [
            split_colour(at, LIGHT) for at in range(3)
        ]

    def test_a_line_that_no_finding_reaches_is_left_out(self) -> None:
        figure = prevalence(["a"], [[1]], [[999]], [[0]], [[0]], groups=["tail"], limits=LIMITS, splits=["test"])
        assert notes(figure) == ["tail ≤ 1 %"]
        assert figure.layout.xaxis.range[1] == pytest.approx(1.2)

    def test_counts_that_do_not_fit_are_refused(self) -> None:
        with pytest.raises(InputError, match=r"present.*\(5, 3\); got \(1, 3\)"):
            prevalence(NAMES, [[1, 2, 3]], ABSENT, NONE, NONE, groups=GROUPS, limits=LIMITS)
        with pytest.raises(InputError, match="smallest is -1"):
            prevalence(NAMES, PRESENT, ABSENT, NONE - 1, NONE, groups=GROUPS, limits=LIMITS)


class TestCoOccurrence:
    both = np.array([[4, 1, 0], [1, 300, 0], [0, 0, 0]])
    given = np.array([[4, 2, 4], [300, 300, 0], [0, 0, 0]])

    def test_relative_is_the_share_of_the_row(self) -> None:
        trace = co_occurrence(["a", "b", "c"], self.both, self.given, relative=True).data[0]
        expected = np.array([[100, 50, 0], [100 / 300, 100, np.nan], [np.nan, np.nan, np.nan]])
        assert np.allclose(trace.z, expected, equal_nan=True)
        assert trace.text.tolist() == [["n=4", "50", "0"], ["&lt;1", "n=300", "n=0"], ["n=0"] * 3]
        assert trace.zmax == 50  # the diagonal is 100 everywhere and would leave no colours for the rest
        assert trace.customdata[1][0].tolist() == [1, 300]

    def test_counts(self) -> None:
        figure = co_occurrence(["a", "b", "c"], self.both * 10, self.given, relative=False)
        assert figure.data[0].text[1].tolist() == ["10", "3,000", "n=0"]
        frames = [(shape.x0, shape.y0) for shape in figure.layout.shapes]
        assert frames == [(at - 0.5, at - 0.5) for at in range(3)]

    @THEMES
    def test_numbers_are_legible(self, theme: Theme) -> None:
        trace = co_occurrence(["a", "b", "c"], self.both, self.given, relative=True, theme=theme).data[0]
        assert all(contrast(trace.textfont.color, colour) >= 4.5 for _, colour in trace.colorscale)

    def test_many_findings_have_colours_and_only_the_gaps_are_written(self) -> None:
        support = np.full((30, 30), 9)
        support[2] = 0
        text = co_occurrence(list("a" * 30), np.eye(30), support, relative=True).data[0].text
        assert set(text[2]) == {"n=0"} and set(np.delete(text, 2, axis=0).ravel()) == {""}


class TestUpset:
    names: tuple[str, ...] = ("Mass", "Nodule", "Edema")
    figure = upset(names, [5, 40, 7], [[1], [], [2, 0], [0]], [30, 20, 4, 1], most=3, samples=60)

    def test_columns_are_the_most_frequent_and_rows_the_largest_first(self) -> None:
        found = traces(self.figure)
        assert list(found["radiographs with exactly this"].y) == [30, 20, 4]
        assert list(found["radiographs with exactly this"].customdata) == ["Nodule", NO_FINDING, "Mass + Edema"]
        assert list(self.figure.layout.yaxis2.ticktext) == [
            "Nodule  (n=40)", "Edema  (n=7)", "Mass  (n=5)", "No finding  (n=20)",
        ]  # fmt: skip
        assert list(found["radiographs with the finding"].x) == [40, 7, 5, 20]

    def test_dots_and_lines(self) -> None:
        found = traces(self.figure)
        dots = set(zip(found["present"].x, found["present"].y, strict=True))
        assert dots == {(0, 0), (1, 3), (2, 1), (2, 2)}
        pale = set(zip(found["absent"].x, found["absent"].y, strict=True))
        assert pale == set(itertools.product(range(3), range(4))) - dots
        assert list(found["together"].x)[6:8] == [2, 2] and list(found["together"].y)[6:8] == [1, 2]
        assert math.isnan(found["together"].y[2])
        order = [trace.name for trace in self.figure.data]
        assert order.index("absent") < order.index("together") < order.index("present")

    def test_it_says_how_much_is_drawn(self) -> None:
        assert notes(self.figure)[0].replace("<br>", " ") == (
            "the 3 most frequent combinations: 90 % of the radiographs (n=60)"
        )

    def test_of_many_findings_only_those_in_a_combination_have_a_row(self) -> None:
        figure = upset([f"f{at}" for at in range(40)], range(40), [[3], [8, 9]], [2, 1])
        assert list(figure.layout.yaxis2.ticktext) == ["f9  (n=9)", "f8  (n=8)", "f3  (n=3)"]

    @pytest.mark.parametrize(
        ("change", "text"),
        [({"most": 0}, "at least 1"), ({"sets": [[3]]}, r"findings \[3\]"), ({"sets": [[1], [2]]}, "2 combinations")],
    )
    def test_what_does_not_fit_is_refused(self, change: dict[str, Any], text: str) -> None:
        given: dict[str, Any] = {"sets": [[1]], "counts": [1], **change}
        with pytest.raises(InputError, match=text):
            upset(self.names, [1, 1, 1], **given)


class TestPeople:
    counts = np.array([[[1, 0, 2], [0, 1, 0]], [[0, 0, 0], [0, 4, 0]], [[0, 0, 0], [0, 0, 0]]])

    def test_ages_are_shares_of_the_split_over_both_sexes(self) -> None:
        figure = ages([0, 5, 10, 15], self.counts, [7, 0, 3], sexes=["Female", "Male"])
        first = figure.data[0]
        assert list(first.x) == [0, 25, 0, 50, 0] and list(first.y) == [0, 0, 5, 10, 15]
        assert first.name == "train (n=4), age unknown in 7"
        assert first.line.shape == "vh" and first.text[1] == "0 to 5 years" and first.customdata[3] == 2
        assert list(figure.data[1].x) == [0, 0, 25, 0, 0]
        val = figure.data[3]
        assert list(val.x) == [0, 100, 0] and list(val.y) == [5, 5, 10]  # from its youngest to its oldest
        assert {trace.name.split()[0] for trace in figure.data} == {"train", "val"}  # test has no known age
        assert figure.layout.xaxis.range[0] > 0 == figure.layout.xaxis.range[1]  # mirrored
        assert figure.layout.xaxis.range[0] == figure.layout.xaxis2.range[1]

    def test_a_sex_that_nobody_has_gets_no_panel(self) -> None:
        figure = ages([0, 5, 10, 15], self.counts[:, ::-1][:, :1], [0, 0, 0], sexes=["Male"])
        assert notes(figure) == ["Male"] and figure.layout.xaxis.range[0] == 0

    def test_shares_of_categories(self) -> None:
        figure = category_shares(["PA", "Unknown"], [[3, 0, 0], [1, 0, 5]], title="View")
        train, val, test = figure.data
        assert list(train.x) == [75, 25] and list(test.x) == [0, 100] and np.isnan(val.x).all()
        assert [trace.name for trace in figure.data] == ["train (n=4)", "val (n=0)", "test (n=5)"]
        assert list(figure.layout.yaxis.ticktext) == ["PA", "Unknown"]
        assert notes(figure) == ["75 %", "0 %", "25 %", "100 %"]

    def test_radiographs_per_patient(self) -> None:
        figure = per_patient([60, 30, 0, 10])
        bars = figure.data[0]
        assert list(bars.x) == [0, 1, 2, 3] and list(bars.y) == [60, 30, 0, 10]
        assert list(bars.text) == ["60 %", "30 %", "", "10 %"] and list(bars.customdata) == [60, 30, 0, 10]
        assert [html.unescape(tick) for tick in figure.layout.xaxis.ticktext] == ["1", "2", "3", "> 3"]
        assert figure.layout.yaxis.title.text == "Patients (n=100)" and figure.layout.yaxis.range[1] > 60

    def test_shapes_are_checked(self) -> None:
        with pytest.raises(InputError, match=r"\(3, 2, 4\); got \(3, 2, 3\)"):
            ages([0, 5, 10, 15, 20], self.counts, [0, 0, 0], sexes=["F", "M"])
        with pytest.raises(InputError, match="smallest is -1"):
            per_patient([1, -1])


class TestTexts:
    def test_lengths_and_the_wide_last_step(self) -> None:
        figure = text_lengths([1, 6, 11, 500], [[1, 2, 1], [0, 0, 0], [0, 5, 0]], quantiles={"50": 7, "95": 300})
        train, test = figure.data
        assert list(train.x) == [1, 1, 6, 11, 16] and list(train.y) == [0, 25, 50, 25, 0]
        assert list(train.text)[1:-1] == ["1 to 5 words", "6 to 10 words", "11 to 499 words"]
        assert list(test.y) == [0, 0, 100, 0, 0] and test.line.color == split_colour(2, LIGHT)
        assert notes(figure) == ["median: 7", "last step: 11 words<br>and more, up to 499"]

    def test_words(self) -> None:
        figure = words(["mass", "<b>", "lung"], [2, 8, 1], 10, most=2)
        assert list(figure.data[0].x) == [80, 20]
        assert list(figure.layout.yaxis.ticktext) == ["&lt;b&gt;", "mass"]
        assert notes(figure) == ["80 % · 8", "20 % · 2"]

    @pytest.mark.parametrize("edges", [[1], [1, 1], [3, 2, 5]])
    def test_edges_must_ascend(self, edges: list[int]) -> None:
        with pytest.raises(InputError, match="must ascend"):
            text_lengths(edges, [[1]], splits=["test"])


def test_what_all_share() -> None:
    assert [in_words(share) for share in (0.0, 0.001, 0.123, 3.14, 9.94, 9.96, 45.2, 100.0)] == [
        "0 %", "< 0.01 %", "0.12 %", "3.1 %", "9.9 %", "10 %", "45 %", "100 %",
    ]  # fmt: skip
    assert np.allclose(percent(np.array([1, 0]), np.array([4, 0])), [25, np.nan], equal_nan=True)
    long = [f"Peripherally inserted central catheter {at}" for at in (1, 2)]
    assert all(len(cut(name)) <= LONGEST for name in long) and len(set(short_names(long))) == 2
    assert short_names(["a", "a"]) == ["a", "a (2)"]


@pytest.fixture(scope="module")
def summary() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    count = 90
    table = pd.DataFrame({"id": [str(at) for at in range(count)], "patient": [str(at // 2) for at in range(count)]})
    table["split"] = np.array(["train", "val", "test"])[np.arange(count) // 2 % 3]
    table["text"] = [None if at % 5 == 0 else "left lung mass " * (1 + at % 7) for at in range(count)]
    table["age"] = np.where(np.arange(count) % 10 == 0, np.nan, rng.uniform(20, 90, count))
    table["sex"] = [("M", "F", None)[at % 3] for at in range(count)]
    table["view"] = [("PA", "AP", None)[at % 3] for at in range(count)]
    names = ("Mass", "Pleural_Thickening", "Hernia")
    for name in names:
        table[PREFIX + name] = rng.choice([0.0, 1.0, -1.0, np.nan], count, p=[0.6, 0.3, 0.05, 0.05])
    assert set(COLUMNS) <= set(table)
    return summarise(table, names)


DRAWN = {
    "prevalence": lambda summary, theme: studies.prevalence(summary, log=True, theme=theme),
    "share": lambda summary, theme: studies.co_occurrence(summary, theme=theme),
    "counts": lambda summary, theme: studies.co_occurrence(summary, relative=False, theme=theme),
    "upset": lambda summary, theme: studies.upset(summary, most=4, theme=theme),
    "ages": lambda summary, theme: studies.ages(summary, theme=theme),
    "sexes": lambda summary, theme: studies.sexes(summary, theme=theme),
    "views": lambda summary, theme: studies.views(summary, theme=theme),
    "per-patient": lambda summary, theme: studies.per_patient(summary, theme=theme),
    "lengths": lambda summary, theme: studies.text_lengths(summary, theme=theme),
    "words": lambda summary, theme: studies.words(summary, most=2, theme=theme),
}


@THEMES
@pytest.mark.parametrize("name", DRAWN)
def test_a_summary_is_drawn(summary: dict[str, Any], name: str, theme: Theme) -> None:
    figure = DRAWN[name](summary, theme)
    assert figure.data and figure.layout.paper_bgcolor == theme.paper
    assert len(list(csv.reader(io.StringIO(figure_csv(figure).decode())))) > 1


@pytest.mark.parametrize("name", DRAWN)
def test_a_summary_of_nothing_says_so(name: str) -> None:
    table = pd.DataFrame([["1", "a", "train", None, math.nan, None, None]], columns=list(COLUMNS))
    figure = DRAWN[name](summarise(table, ()), LIGHT)
    if name in ("sexes", "views"):
        assert traces(figure)["train (n=1)"].x[-1] == 100 and figure.layout.yaxis.ticktext[-1] == "Unknown"
    elif name == "per-patient":
        assert list(figure.data[0].y) == [1, *[0] * 10]
    else:
        assert not figure.data and len(notes(figure)) == 1


def test_what_a_summary_holds_is_what_is_drawn(summary: dict[str, Any]) -> None:
    found = studies.co_occurrence(summary, relative=False).data[0]
    assert np.allclose(found.z, summary["co_occurrence"]["both"])
    assert list(found.y) == ["Mass", "Pleural thickening", "Hernia"]
    assert found.customdata[0][1].tolist()[1] == summary["co_occurrence"]["known"][0][1]
    shares = studies.co_occurrence(summary).data[0]
    given = np.array(summary["co_occurrence"]["given"])
    assert not np.array_equal(given, given.T)
    assert np.allclose(shares.z, 100 * np.array(summary["co_occurrence"]["both"]) / given)
    assert list(studies.sexes(summary).layout.yaxis.ticktext) == ["Female", "Male", "Unknown"]
    assert studies.per_patient(summary).data[0].y.tolist() == [0, 45, *[0] * 9]
    bars = [bar for bar in studies.prevalence(summary).data if bar.type == "bar"]
    assert [len(bar.y) for bar in bars] == [3, 0, 0] and {one["group"] for one in summary["findings"]} == {"head"}
    largest = summary["combinations"]["sets"][0]["count"]
    assert studies.upset(summary, most=4).data[0].y[0] == largest
    assert list(studies.words(summary).layout.yaxis.ticktext) == ["left", "lung", "mass"]
    assert studies.words(summary).data[0].customdata[0] == 72
