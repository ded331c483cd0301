"""VinDr-CXR (Nguyen et al., "VinDr-CXR: An open dataset of chest X-rays with radiologist's annotations", 2022).

Two forms: PhysioNet's (annotations/*.csv, 18,000 pictures in train and test) and that of the VinBigData challenge on
Kaggle (train.csv, 15,000 pictures), whose table torchxrayvision ships.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from core.config.importing import ImportConfig
from core.studies.folder import Folder
from core.studies.listing import Listing
from core.studies.sources.published import by_stem, chosen, listing, own, packaged, stated, table_at
from core.studies.study import PREFIX

FINDINGS = (
    "Aortic enlargement",
    "Atelectasis",
    "Calcification",
    "Cardiomegaly",
    "Consolidation",
    "ILD",
    "Infiltration",
    "Lung Opacity",
    "Nodule/Mass",
    "Other lesion",
    "Pleural effusion",
    "Pleural thickening",
    "Pneumothorax",
    "Pulmonary fibrosis",
)
"""The challenge's classes. A table with a row per mark says 0 by silence, also of a class that nobody marked."""

NO_FINDING = "No finding"
CONSENSUS = "consensus"

LAYOUT = "It should hold the pictures of VinDr-CXR, named by image_id, as .dicom, .dcm, .png or .jpg in any folders."

_RENAMED = {
    "Other disease": "Other diseases"
}  # PhysioNet's test table writes one column otherwise than its train table


def read(config: ImportConfig, folder: Folder) -> Listing:
    """List VinDr-CXR; a finding of the training pictures is what most of their radiologists marked.

    Raises:
        StudyError: a table lacks columns or none of the pictures is there.
    """
    found = [_read(path, split) for path, split in _tables(folder)]
    table = pd.concat(found, ignore_index=True)
    names = table["image_id"].tolist()
    samples = pd.DataFrame(
        {
            "row": table["row"],
            "patient": "",
            "split": table["split"],
            "text": None,
            "age": np.float32(np.nan),
            "sex": None,
            "view": None,
            **table[[name for name in table if name.startswith(PREFIX)]],
        }
    )
    notes = [
        "Three radiologists read each training picture: 1 where at least two of them marked the finding, 0 where none "
        "did, -1 (uncertain) where one did.",
        "Test is PhysioNet's own and has the consensus of five radiologists; its training pictures are divided."
        if len(found) > 1
        else "No split is given: the table is of training or of test pictures alone.",
        "VinDr-CXR names no patients.",
    ]
    return listing("VinDr-CXR", folder, samples, by_stem(folder, names), names=names, notes=notes, layout=LAYOUT)


def _tables(folder: Folder) -> list[tuple[Path, str]]:
    """Tables and the split of their rows: PhysioNet's first, of these the one that has findings without boxes too."""
    parts = [
        (own(folder, f"image_labels_{name}.csv", f"annotations_{name}.csv"), split)
        for name, split in (("train", "train+val"), ("test", "test"))
    ]
    if found := [(path, split) for path, split in parts if path is not None]:
        return found
    return [(own(folder, "train.csv") or packaged("vinbigdata-train.csv.gz"), "")]


def _read(path: Path, split: str) -> pd.DataFrame:
    """``image_id``, ``row`` (of its first line), ``split`` and ``finding:*`` of one table of either kind."""
    table = table_at(path).rename(columns=_RENAMED)
    if "class_name" in table:
        table = chosen(table, path.name, ("image_id", "class_name"), optional=("rad_id",))
        labels = _by_class(table)
    else:
        findings = [name for name in table if name not in ("row", "image_id", "rad_id", NO_FINDING)]
        table = chosen(table, path.name, ("image_id", *findings))
        labels = _by_column(table, stated(table, findings, path.name))
    first = table.groupby("image_id", sort=False)["row"].first()
    return first.reset_index().merge(labels.reset_index(), on="image_id").assign(split=split)


def _by_class(table: pd.DataFrame) -> pd.DataFrame:
    """Labels from one row per box: a radiologist who drew several boxes of one finding has one vote."""
    table = table.assign(rad_id=table["rad_id"].fillna(CONSENSUS))
    votes = table.drop_duplicates(["image_id", "rad_id", "class_name"])
    counts = pd.crosstab(votes["image_id"], votes["class_name"]).drop(columns=NO_FINDING, errors="ignore")
    counts = counts.reindex(columns=sorted({*counts, *FINDINGS}), fill_value=0).add_prefix(PREFIX)
    readers = table.groupby("image_id")["rad_id"].nunique().reindex(counts.index).to_numpy()[:, None]
    return _decided(counts, np.broadcast_to(readers, counts.shape))


def _by_column(table: pd.DataFrame, marks: pd.DataFrame) -> pd.DataFrame:
    """Labels from one row per radiologist; an empty cell is no vote."""
    by_picture = marks.groupby(table["image_id"])
    return _decided(by_picture.sum(), by_picture.count().to_numpy())


def _decided(votes: pd.DataFrame, readers: np.ndarray) -> pd.DataFrame:
    """1 where more than half of the readers marked it, 0 where none, -1 between, NaN where nobody read it."""
    counts = votes.to_numpy()
    decided = np.select([readers == 0, counts == 0, 2 * counts > readers], [np.nan, 0.0, 1.0], default=-1.0)
    return pd.DataFrame(decided.astype(np.float32), index=votes.index, columns=list(votes.columns))
