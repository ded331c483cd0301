"""The text of a radiograph: its own report, or a sentence of its findings that claims nothing unknown."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import pytest

from core.studies.captions import captions, sentence
from core.studies.study import Study
from core.studies.vocabulary import NIH_FINDINGS, display_name, spoken_name

NAN = float("nan")
FINDINGS = ("Effusion", "Mass", "Pleural_Thickening")


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        ([0, 0, 0], "a chest radiograph with no acute findings"),
        ([NAN, NAN, NAN], "a chest radiograph"),
        ([0, NAN, 0], "a chest radiograph"),
        ([1, 0, 0], "a chest radiograph showing pleural effusion"),
        ([1, NAN, NAN], "a chest radiograph showing pleural effusion"),
        ([0, 1, 1], "a chest radiograph showing mass and pleural thickening"),
        ([1, 1, 1], "a chest radiograph showing pleural effusion, mass and pleural thickening"),
    ],
)
def test_sentence(labels: list[float], wanted: str) -> None:
    assert sentence(FINDINGS, labels) == wanted


def test_a_label_for_every_finding() -> None:
    with pytest.raises(ValueError, match="zip"):
        sentence(FINDINGS, [1, 0])


def test_own_text_comes_first() -> None:
    texts = ["No effusion.", None, "", "  \n", NAN]
    labels = np.array([[1, 0, 0]] * 5, np.float32)
    study = SimpleNamespace(
        samples=pd.DataFrame({"text": pd.Series(texts, dtype=object)}), labels=labels, findings=FINDINGS
    )
    made = "a chest radiograph showing pleural effusion"
    assert list(captions(cast(Study, study))) == ["No effusion.", made, made, made, made]


def test_names() -> None:
    assert display_name("Pleural_Thickening") == "Pleural thickening"
    assert spoken_name("Pleural_Thickening") == "pleural thickening"
    assert spoken_name("Effusion") == "pleural effusion"
    for name in (display_name, spoken_name):
        assert len({name(finding) for finding in NIH_FINDINGS}) == 14
        assert not any("_" in name(finding) for finding in NIH_FINDINGS)
