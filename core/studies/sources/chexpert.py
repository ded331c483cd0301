"""CheXpert (Irvin et al., "CheXpert: A Large Chest Radiograph Dataset with Uncertainty Labels ...", AAAI 2019)."""

from __future__ import annotations

import pandas as pd

from core.config.importing import ImportConfig
from core.studies.folder import Folder
from core.studies.listing import Listing, ages, sexes
from core.studies.sources.published import by_tail, listing, own, packaged, rows, stated, views
from core.studies.vocabulary import CHEXPERT_FINDINGS

LAYOUT = "It should hold train/patient*/study*/view*.jpg, as CheXpert and CheXpert-small are published."

_FACTS = ("Sex", "Age", "Frontal/Lateral", "AP/PA")

_SPLITS = {
    ("train",): {"train": ""},
    ("train", "valid"): {"train": "train+val", "valid": "test"},
    ("test", "train"): {"train": "train+val", "test": "test"},
    ("test", "train", "valid"): {"train": "train", "valid": "val", "test": "test"},
}
"""Split of each table's rows, by the tables that have pictures in the folder; others divide nothing."""

_SPLIT_NOTES = {
    ("train",): "No split is published for the training pictures.",
    ("train", "valid"): "Test is CheXpert's valid.csv, which radiologists read; train.csv is divided by patient.",
    ("test", "train"): "Test is CheXpert's test table; train.csv is divided by patient.",
    ("test", "train", "valid"): "Splits are CheXpert's own: train.csv, valid.csv and its test table.",
}


def read(config: ImportConfig, folder: Folder) -> Listing:
    """List CheXpert: every view and every picture of a patient; labels as written, blank as unknown, -1 as uncertain.

    Raises:
        StudyError: a table lacks columns or none of the pictures is there.
    """
    table = _rows(folder)
    names = table["Path"].tolist()
    # the full-size release comes in folders of other names, but patient/study/view is one picture in the whole dataset
    files, reasons = by_tail(folder, names, 3)
    there = tuple(sorted(table.loc[reasons == "", "table"].unique()))
    splits = _SPLITS.get(there, {})
    notes = [
        "train.csv: labels of the CheXpert labeler, from reports; valid.csv and test: radiologists. Blank means not "
        "mentioned and stays unknown, also where 'No Finding' is stated; -1 means uncertain.",
        _SPLIT_NOTES.get(there, "The pictures that are here belong to one published table, so no split is given."),
        "Patients are CheXpert's own.",
    ]
    samples = pd.DataFrame(
        {
            "row": table["row"],
            "patient": table["Path"].str.extract(r"(patient\d+)", expand=False),
            "split": [splits.get(name, "") for name in table["table"]],
            "text": None,
            "age": ages(table["Age"].mask(table["Age"] == "0")),  # adults only: 0 stands for unknown
            "sex": sexes(table["Sex"]),
            "view": _views(table),
            **stated(table, CHEXPERT_FINDINGS, "CheXpert's table"),
            "table": table["table"],
        }
    )
    return listing("CheXpert", folder, samples, (files, reasons), names=names, notes=notes, layout=LAYOUT)


def _rows(folder: Folder) -> pd.DataFrame:
    """The rows of all tables, with ``table``: train, valid or test."""
    paths = {
        "train": own(folder, "train.csv") or packaged("chexpert_train.csv.gz"),
        "valid": own(folder, "valid.csv"),
        "test": own(folder, "test.csv", "test_labels.csv"),
    }
    found = [
        rows(path, ("Path", *CHEXPERT_FINDINGS), optional=_FACTS).assign(table=name)
        for name, path in paths.items()
        if path
    ]
    return pd.concat(found, ignore_index=True)


def _views(table: pd.DataFrame) -> pd.Series:
    """PA, AP or L; the test table has no columns for it, but file names say which are lateral."""
    lateral = table["Path"].str.contains("_lateral", regex=False)
    return views(table["AP/PA"].mask((table["Frontal/Lateral"] == "Lateral") | lateral, "L"))
