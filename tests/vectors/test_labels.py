"""Labels: from a vocabulary or a file, one for each vector, none twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import InputError
from core.studies.vocabulary import CHEXPERT_FINDINGS, NIH_FINDINGS
from core.vectors.labels import checked_labels, named_labels


def test_vocabularies_in_their_order() -> None:
    assert named_labels("nih") == NIH_FINDINGS and named_labels("chexpert") == CHEXPERT_FINDINGS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_text_file_has_one_label_a_line(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "names.txt").write_text("Œdème\nMass\n\n", encoding=encoding)
    assert named_labels(str(tmp_path / "names.txt")) == ("Œdème", "Mass")


@pytest.mark.parametrize("held", [["a", "b"], {"labels": ["a", "b"], "other": 1}])
def test_json(tmp_path: Path, held: object) -> None:
    (tmp_path / "names.json").write_text(json.dumps(held))
    assert named_labels(str(tmp_path / "names.json")) == ("a", "b")


@pytest.mark.parametrize("text", ["", "{", "3", '{"labels": "ab"}', '["a", 1]', "[" * 100_000])
def test_json_of_another_form(tmp_path: Path, text: str) -> None:
    (tmp_path / "names.json").write_text(text)
    with pytest.raises(InputError, match="JSON"):
        named_labels(str(tmp_path / "names.json"))


@pytest.mark.parametrize("given", ["NIH14", "gone.txt", "/etc/passwd", ".", "x" * 5000, "a\0b.txt"])
def test_what_is_no_file_of_labels(given: str) -> None:
    with pytest.raises(InputError) as caught:
        named_labels(given)
    assert "passwd" not in str(caught.value)


def test_labels_are_composed_and_trimmed() -> None:
    assert checked_labels(["  \u0065\u0301dema ", "lung\u00a0 lesion"], 2) == ("\u00e9dema", "lung lesion")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["a"], "1 labels for 2 vectors"),
        (["a", "b", "c"], "3 labels for 2 vectors"),
        (["a", " "], "row 2 has 0 letters"),
        (["a", "x" * 201], "row 2 has 201 letters"),
        (["a", "b\u202ec"], "row 2 holds signs that have no picture"),
        (["\u00e9", "e\u0301"], "'é' is that of rows 1, 2"),
        (["Edema", "Edema "], "'Edema' is that of rows 1, 2"),
    ],
)
def test_labels_that_do_not_fit(labels: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        checked_labels(labels, 2)
