"""Subgroups out of a study's table, and what is said of scores."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from core.metrics.comparison import Difference
from core.metrics.delong import AurocDifference
from core.metrics.mistaken import mistaken
from core.metrics.subgroups import gaps
from core.pictures.scores import p_words
from core.pictures.scores_words import diseases_sentence, gap_sentence, macro_sentence, missed_sentence
from core.pictures.scoring import people


def study(**columns: list[Any]) -> Any:
    """Test radiographs with these columns, and one of another split before them."""
    rows = len(next(iter(columns.values())))
    table = pd.DataFrame({name: pd.array([None, *values]) for name, values in columns.items()})
    return SimpleNamespace(samples=table, rows=lambda split: np.arange(1, rows + 1))


def test_sexes_and_ages_and_views_become_subgroups() -> None:
    made = study(sex=["M", "F", None, "M"], age=[5.0, 85.0, None, 40.0], view=["PA", "AP", "PA", None])
    sex, age, view = (people(made, by) for by in ("sex", "age", "view"))
    assert sex.names == ("female", "male") and sex.group.tolist() == [1, 0, -1, 1]
    assert age.names == ("0–20", "40–60", "80+") and age.group.tolist() == [0, 2, -1, 1]
    assert view.names == ("PA", "AP") and view.group.tolist() == [0, 1, 0, -1]


def test_a_column_without_values_has_no_subgroups() -> None:
    made = study(sex=[None, None], age=[None, np.nan], view=[None, ""])
    for by in ("sex", "age", "view"):
        found = people(made, by)
        assert found.names == () and found.group.tolist() == [-1, -1]


def test_rare_views_are_left_out() -> None:
    made = study(view=[name for at, name in enumerate("abcdefgh") for _ in range(9 - at)])
    found = people(made, "view")
    assert found.names == tuple("abcdef") and (found.group == -1).sum() == 3 + 2


def difference(value: float, p: float) -> AurocDifference:
    return AurocDifference(n_positive=3, n_negative=9, n_patients=12, value=value, p=p, p_holm=p)


def test_macro_sentences() -> None:
    clear = Difference(seeds=(0,), value=0.012, low=0.004, high=0.02, p=0.004)
    assert macro_sentence("Macro AUROC", clear) == (
        "Macro AUROC: +1.2 points, 95 % interval +0.4 to +2.0: larger than chance (p = 0.004)."
    )
    none = Difference(seeds=(0,), value=0.001, low=-0.006, high=0.008, p=0.7)
    assert "not larger than chance (p = 0.700)" in macro_sentence("Macro AUROC", none)
    assert "too few patients" in macro_sentence("Macro AUROC", Difference(seeds=(0,), value=0.1))
    assert "not defined" in macro_sentence("Macro AUROC", Difference(seeds=()))
    assert p_words(0.0002, "p") == "p < 0.001"


def test_diseases_sentences() -> None:
    found = [difference(0.1, 0.01), difference(-0.1, 0.001), difference(0.1, 0.2), difference(np.nan, np.nan)]
    said = diseases_sentence(["a", "b", "c", "d"], found)
    assert said.startswith("2 of 3 diseases differ") and said.endswith("the first run is higher in a and lower in b.")
    assert diseases_sentence(["c"], found[2:3]).startswith("No difference of the 1 diseases")
    assert diseases_sentence(["d"], found[3:]) == "No disease has an AUROC by both models with an interval."


def test_gap_sentences_count_two_subgroups_once() -> None:
    y = np.ones((400, 2))
    group = np.arange(400) % 2
    called = np.stack([(group == 0) * 0.9, np.arange(400) % 4 < 2], axis=1).astype(float)
    found = gaps(y, called, [0.5, 0.5], np.arange(400), group, ("female", "male"))
    said = gap_sentence(["Edema", "Mass"], found)
    assert said.startswith("1 of 2 intervals leave out 0;")
    assert "Edema, female: +1.00" in said and said.endswith("n=200 with it.")
    np.testing.assert_allclose(found.gap_low[0], -found.gap_high[1], atol=1e-12)
    alone = gaps(y, called, [0.5, 0.5], np.arange(400), np.zeros(400, int), ("female",))
    assert gap_sentence(["Edema", "Mass"], alone).startswith("No gap is defined")


def test_missed_sentences() -> None:
    labels = np.array([[1, 0], [1, 0], [0, 0], [0, 0]])
    found = mistaken(labels, [[0, 1], [0, 1], [0, 0], [0, 0]])
    assert missed_sentence(["Edema", "Mass"], found, 0) == (
        "Edema is missed in 2 radiographs. More often than in all, called in these: Mass in 100% (in all: 50%)."
    )
    assert missed_sentence(["Edema", "Mass"], found, 1) == "Mass is never missed at this threshold (n=0)."
