"""RSNA Pneumonia Detection Challenge (Shih et al., "Augmenting the NIH Chest Radiograph Dataset with Expert Annotations
of Possible Pneumonia", Radiology: AI 2019)."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from core.config.importing import ImportConfig
from core.errors import StudyError
from core.studies.folder import Folder
from core.studies.listing import Listing, ages, sexes
from core.studies.sources.published import by_stem, listing, own, packaged, rows, stated, views

TITLE = "RSNA pneumonia challenge"

FINDING = "Lung Opacity"
"""The challenge asks for pneumonia, but its readers saw no patient: they marked opacities that may be one, and its own
table of classes says "Lung Opacity" for exactly the positive rows. torchxrayvision gives both names to one label."""

SIDE = 1024
"""Every picture of the challenge is 1024 x 1024."""

LAYOUT = "It should hold stage_2_train_images/*.dcm (or the same names as .png or .jpg)."
MAPPING = "pneumonia-challenge-dataset-mappings_2018.json"

_BOX = ("x", "y", "width", "height")


def read(config: ImportConfig, folder: Folder) -> Listing:
    """List the training pictures; a row of the table is a box, so pictures are taken at their first row.

    Raises:
        StudyError: a table lacks columns or none of the pictures is there.
    """
    path = own(folder, "stage_2_train_labels.csv") or packaged("kaggle_stage_2_train_labels.csv.zip")
    marked = rows(path, ("patientId", "Target", *_BOX))
    table = marked.drop_duplicates("patientId").reset_index(drop=True)
    names = table["patientId"].tolist()
    patients, note = _patients(folder, table["patientId"])
    samples = pd.DataFrame(
        {
            "row": table["row"],
            "patient": patients,
            "split": "",
            "text": None,
            **_people(folder, names),
            **stated(table.rename(columns={"Target": FINDING}), [FINDING], path.name),
            **_classes(folder, table["patientId"]),
        }
    )
    notes = [
        f"{FINDING}: opacities that radiologists marked as possible pneumonia (the challenge's Target), 0: none.",
        "The challenge publishes no split of these pictures.",
        note,
    ]
    located = by_stem(folder, names)
    boxes = _boxes(marked, dict(zip(names, located[0], strict=True)))
    return listing(TITLE, folder, samples, located, names=names, notes=notes, layout=LAYOUT, boxes=boxes)


def _people(folder: Folder, names: list[str]) -> dict[str, pd.Series]:
    """``age``, ``sex`` and ``view`` of each picture, from the table of the DICOM headers."""
    path = own(folder, "*stage_2_train_images_dicom_headers.csv")
    path = path or packaged("kaggle_stage_2_train_images_dicom_headers.csv.gz")
    headers = rows(path, ("PatientID", "PatientAge", "PatientSex", "ViewPosition"))
    about = headers.drop_duplicates("PatientID").set_index("PatientID").reindex(names).reset_index()
    return {"age": ages(about["PatientAge"]), "sex": sexes(about["PatientSex"]), "view": views(about["ViewPosition"])}


def _patients(folder: Folder, ids: pd.Series) -> tuple[pd.Series, str]:
    """Patients, and what to say of them: NIH's where RSNA's list of them lies in the folder; else one per picture."""
    path = own(folder, MAPPING)
    if path is None:
        return ids, (
            "The challenge counts every picture as another patient's, but it took them from NIH ChestX-ray14, where "
            f"people have several: put RSNA's {MAPPING} into the folder to have splits by NIH's patients."
        )
    try:
        mapping = {str(one["subset_img_id"]): str(one["img_id"]) for one in json.loads(path.read_text("utf-8"))}
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise StudyError(f"{MAPPING} is not a list of subset_img_id and img_id in JSON; get it again.") from error
    pictures = ids.map(mapping)  # "00000165_001.png": patient 165's second radiograph
    nih = "nih-" + pictures.str.partition("_")[0]
    return nih.where(pictures.notna(), ids), "Patients are NIH's, by RSNA's own list."


def _classes(folder: Folder, ids: pd.Series) -> dict[str, pd.Series]:
    """``class`` (Normal, Lung Opacity, or neither), where the challenge's table of it lies in the folder."""
    path = own(folder, "stage_2_detailed_class_info.csv")
    if path is None:
        return {}
    table = rows(path, ("patientId", "class")).drop_duplicates("patientId")
    return {"class": ids.map(table.set_index("patientId")["class"])}


def _boxes(marked: pd.DataFrame, files: dict[str, str]) -> pd.DataFrame:
    """The boxes as shares of the picture; rows without one have none."""
    found = marked.assign(file=marked["patientId"].map(files), finding=FINDING)
    found[list(_BOX)] = found[list(_BOX)].apply(pd.to_numeric, errors="coerce").astype(np.float32) / SIDE
    found = found[found["file"].ne("") & found[list(_BOX)].notna().all(axis=1)]
    return found[["file", "finding", *_BOX]].reset_index(drop=True)
