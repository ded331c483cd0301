"""Names of findings: which mean the same in NIH and CheXpert, how they are written and spoken."""

from __future__ import annotations

import pandas as pd
import pytest

from core.errors import StudyError
from core.studies.folder import Folder
from core.studies.importing import translated
from core.studies.listing import Listing, no_boxes
from core.studies.study import PREFIX
from core.studies.vocabulary import (
    CHEXPERT_FINDINGS,
    NIH_FINDINGS,
    SAME,
    VOCABULARIES,
    counterpart,
    display_name,
    spoken_name,
)

SHARED = {
    "Atelectasis": "Atelectasis",
    "Cardiomegaly": "Cardiomegaly",
    "Effusion": "Pleural Effusion",
    "Pneumonia": "Pneumonia",
    "Pneumothorax": "Pneumothorax",
    "Consolidation": "Consolidation",
    "Edema": "Edema",
}
"""By hand: the seven findings that both lists have (Irvin et al., table 1, and Wang et al., table 1)."""


def listing(*findings: str) -> Listing:
    samples = pd.DataFrame({"file": ["a.png"], **{PREFIX + name: [1.0] for name in findings}})
    boxes = no_boxes()
    boxes.loc[0] = ["a.png", findings[0], 0.1, 0.1, 0.2, 0.2]
    return Listing(
        title="t",
        folder=Folder.__new__(Folder),
        findings=findings,
        samples=samples,
        set_aside=pd.DataFrame(),
        notes=["first"],
        boxes=boxes,
    )


def test_both_ways() -> None:
    assert {name: counterpart(name, "chexpert") for name in NIH_FINDINGS} == {
        name: SHARED.get(name) for name in NIH_FINDINGS
    }
    back = {there: here for here, there in SHARED.items()}
    assert {name: counterpart(name, "nih") for name in CHEXPERT_FINDINGS} == {
        name: back.get(name) for name in CHEXPERT_FINDINGS
    }


@pytest.mark.parametrize("vocabulary", sorted(VOCABULARIES))
def test_a_vocabulary_maps_onto_itself(vocabulary: str) -> None:
    names = VOCABULARIES[vocabulary]
    assert [counterpart(name, vocabulary) for name in names] == list(names) and len(set(names)) == 14


@pytest.mark.parametrize(
    ("given", "vocabulary", "name"),
    [
        ("pleural effusion", "nih", "Effusion"),
        ("PLEURAL_EFFUSION", "nih", "Effusion"),
        ("Pulmonary Edema", "nih", "Edema"),
        ("pleural thickening", "nih", "Pleural_Thickening"),
        ("Support_Devices", "chexpert", "Support Devices"),
        ("Pleural Other", "nih", None),
        ("Lung Lesion", "nih", None),
        ("Lung Opacity", "nih", None),
        ("Mass", "chexpert", None),
        ("Infiltration", "chexpert", None),
        ("Pericardial Effusion", "nih", None),
        ("", "nih", None),
        ("COVID-19", "chexpert", None),
    ],
)
def test_what_means_the_same(given: str, vocabulary: str, name: str | None) -> None:
    assert counterpart(given, vocabulary) == name


def test_meanings_are_apart() -> None:
    everything = [name for names in SAME for name in names]
    assert len(everything) == len(set(everything))


def test_a_translation_is_told() -> None:
    found = translated(listing("Effusion", "Mass", "Edema"), "chexpert")
    assert found.findings == ("Pleural Effusion", "Mass", "Edema")
    assert list(found.samples) == ["file", *(PREFIX + name for name in found.findings)]
    assert found.boxes["finding"].tolist() == ["Pleural Effusion"]
    assert found.notes == [
        "first",
        "Findings are named as in CHEXPERT: Effusion is Pleural Effusion. "
        "Without counterpart there, under their own names: Mass.",
    ]


def test_nothing_to_translate() -> None:
    own = listing("Effusion", "Mass")
    assert translated(own, "own") is own
    assert translated(own, "nih").notes[1] == "Findings are named as in NIH: none had to be renamed."


def test_two_findings_never_become_one_silently() -> None:
    with pytest.raises(StudyError, match="Two findings of this source mean the same in the vocabulary 'nih'"):
        translated(listing("Effusion", "Pleural Effusion"), "nih")


@pytest.mark.parametrize(
    ("finding", "written", "spoken"),
    [
        ("Pleural_Thickening", "Pleural thickening", "pleural thickening"),
        ("Effusion", "Effusion", "pleural effusion"),
        ("Edema", "Edema", "pulmonary edema"),
        ("Hernia", "Hernia", "hiatal hernia"),
        ("No Finding", "No finding", "no finding"),
        ("ARDS", "ARDS", "ARDS"),
        ("COVID-19", "COVID-19", "COVID-19"),
        ("Lung  Lesion", "Lung lesion", "lung lesion"),
        ("", "", ""),
    ],
)
def test_how_they_read(finding: str, written: str, spoken: str) -> None:
    assert (display_name(finding), spoken_name(finding)) == (written, spoken)
