"""NIH ChestX-ray14 in its own layout (Wang et al., CVPR 2017).

``images_001..012/images/*.png`` (or ``images/``), ``Data_Entry_2017*.csv`` of either generation, ``train_val_list.txt``
and ``test_list.txt``; where present also ``BBox_List_2017.csv`` and Google's expert labels (Majkowska et al., Radiology
2020) as ``four_findings_expert_labels_*_labels.csv`` or torchxrayvision's ``google2019_nih-chest-xray-labels.csv.gz``.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.config.importing import ImportConfig
from core.errors import StudyError
from core.studies.folder import MISSING, Folder
from core.studies.listing import Listing, ages, column, no_boxes, part, sexes
from core.studies.study import PREFIX
from core.studies.tables import Problems, read_table
from core.studies.vocabulary import NIH_FINDINGS, STATED

NEEDED = ("Image Index", "Finding Labels", "Patient ID", "Patient Age", "Patient Gender", "View Position")
NO_FINDING = "No Finding"
LISTS = {"train+val": "train_val_list.txt", "test": "test_list.txt"}
SIDE = 1024
"""All published pictures are 1024 x 1024, and boxes are given in these pixels."""

EXPERT_FINDINGS = ("Fracture", "Pneumothorax", "Airspace opacity", "Nodule or mass")
_EXPERT_TABLE = re.compile(
    r"(?:.*/)?(?:four_findings_expert_labels_\w+_labels|google2019_nih-chest-xray-labels)\.csv(\.gz)?"
)
_PICTURE = re.compile(r"(?:images_\d+/)?images/[^/]+\.png", re.IGNORECASE)


def read(config: ImportConfig, folder: Folder) -> Listing:
    """List NIH's folder.

    Raises:
        StudyError: parts are missing, findings are unknown, or files are named twice.
    """
    tables = sorted(name for name in folder.files if re.fullmatch(r"Data_Entry_2017[^/]*\.csv", name))
    pictures = {name.rsplit("/", 1)[-1]: name for name in sorted(folder.files) if _PICTURE.fullmatch(name)}
    lists = _lists(folder)
    lacking = {
        "Data_Entry_2017*.csv": not tables,
        "images_*/images/*.png": not pictures,
        **{file: config.split == "given" and split not in lists for split, file in LISTS.items()},
    }
    if missing := [what for what, absent in lacking.items() if absent]:
        raise StudyError(f"This folder is not in NIH's layout: it lacks {', '.join(missing)}.")
    table = read_table(folder.root / tables[-1], NEEDED)
    _check(table, lists)
    names = table["Image Index"].tolist()
    table["file"] = [pictures.get(name, "") for name in names]
    table["split"] = _official(table["Image Index"], lists)
    kept, aside = part(table, names, _reasons(table, config))
    experts = _experts(folder, kept["Image Index"])
    findings, samples = _samples(config, kept, experts)
    notes = _notes(config, folder, experts)
    boxes = _boxes(folder, pictures, findings)
    if len(boxes):
        notes.append(f"{len(boxes)} boxes from BBox_List_2017.csv.")
    return Listing(
        title="NIH ChestX-ray14",
        folder=folder,
        findings=findings,
        samples=samples,
        set_aside=aside,
        notes=notes,
        boxes=boxes,
    )


def _reasons(table: pd.DataFrame, config: ImportConfig) -> NDArray[np.object_]:
    """Why rows cannot be imported; empty where they can."""
    reasons = {
        MISSING: table["file"] == "",
        "in neither train_val_list.txt nor test_list.txt": (table["split"] == "") & (config.split == "given"),
        "no Patient ID": table["Patient ID"].isna() & (config.patients == "named"),
    }
    return np.select(list(reasons.values()), list(reasons), default="").astype(object)


def _lists(folder: Folder) -> dict[str, set[str]]:
    return {
        split: set((folder.root / file).read_text(encoding="utf-8-sig", errors="replace").split())
        for split, file in LISTS.items()
        if file in folder.files
    }


def _official(names: pd.Series, lists: dict[str, set[str]]) -> NDArray[np.object_]:
    split_of = {name: split for split, listed in lists.items() for name in listed}
    return np.array([split_of.get(name, "") for name in names.tolist()], dtype=object)


def _check(table: pd.DataFrame, lists: dict[str, set[str]]) -> None:
    problems = Problems()
    again = table["Image Index"].notna() & table["Image Index"].duplicated()
    if again.any():
        problems.add(f"{int(again.sum())} files are named twice", table.loc[again, "row"], todo="keep one row of each.")
    named = table["Finding Labels"].fillna("").str.split("|").explode().str.strip()
    strange = ~named.isin([*NIH_FINDINGS, NO_FINDING, ""])
    if strange.any():
        problems.add(
            f"{int(strange.sum())} unknown findings {sorted(set(named[strange]))[:8]}",
            table.loc[named[strange].index.unique(), "row"],
            todo=f"known are {', '.join(NIH_FINDINGS)}; for other findings import the folder as a table.",
        )
    if len(lists) == 2 and (both := lists["train+val"] & lists["test"]):
        problems.add(f"{len(both)} file names stand in both lists", todo="each belongs into one.")
    problems.check()


def _samples(config: ImportConfig, table: pd.DataFrame, experts: pd.DataFrame) -> tuple[tuple[str, ...], pd.DataFrame]:
    count = len(table)
    samples = pd.DataFrame(
        {
            "file": table["file"],
            "row": table["row"],
            "patient": table["Patient ID"],
            "split": table["split"],
            "text": column(None, count),
            "age": ages(table["Patient Age"]),
            "sex": sexes(table["Patient Gender"]),
            "view": column(table["View Position"].where(table["View Position"].isin(["PA", "AP"])), count),
        }
    )
    if config.labels == "experts":
        names = tuple(name.replace(" ", "_") for name in EXPERT_FINDINGS)
        for name, title in zip(names, EXPERT_FINDINGS, strict=True):
            samples[PREFIX + name] = experts[title].to_numpy(np.float32)
        return names, samples
    codes, different = pd.factorize(table["Finding Labels"].fillna(""))  # 836 combinations in 112,120 rows
    named = [{name.strip() for name in cell.split("|")} for cell in different]
    for finding in NIH_FINDINGS:
        stated = [np.nan if own == {""} else float(finding in own) for own in named]
        samples[PREFIX + finding] = np.array(stated, np.float32)[codes]
    for title in EXPERT_FINDINGS if experts.notna().any(axis=None) else ():
        samples[f"experts: {title}"] = column(experts[title].map(STATED), count)
    return NIH_FINDINGS, samples


def _experts(folder: Folder, names: pd.Series) -> pd.DataFrame:
    """Google's labels (n, 4) of 1, 0, -1 (hedged); NaN where the experts did not look."""
    found = [
        read_table(folder.root / file, ("Image Index", *EXPERT_FINDINGS))
        for file in sorted(folder.files)
        if _EXPERT_TABLE.fullmatch(file)
    ]
    if not found:
        return pd.DataFrame(np.nan, index=range(len(names)), columns=list(EXPERT_FINDINGS))
    labels = pd.concat(found).drop_duplicates("Image Index").set_index("Image Index")
    codes = {"YES": 1.0, "NO": 0.0, "HEDGE": -1.0}
    own = labels.reindex(names)[list(EXPERT_FINDINGS)]
    return own.apply(lambda one: one.str.strip().str.upper().map(codes)).reset_index(drop=True)


def _boxes(folder: Folder, pictures: dict[str, str], findings: tuple[str, ...]) -> pd.DataFrame:
    """The published boxes of these findings, as shares of the picture; "Infiltrate" is the finding Infiltration."""
    files = [name for name in folder.files if re.fullmatch(r"BBox_List_2017\.csv(\.gz)?", name)]
    if not files:
        return no_boxes()
    table = read_table(folder.root / files[0], ("Image Index", "Finding Label", "Bbox [x", "y", "w", "h]"))
    boxes = pd.DataFrame(
        {
            "file": table["Image Index"].map(pictures),
            "finding": table["Finding Label"].replace({"Infiltrate": "Infiltration"}),
            **{
                name: (pd.to_numeric(table[own], errors="coerce") / SIDE).astype(np.float32)
                for name, own in (("x", "Bbox [x"), ("y", "y"), ("width", "w"), ("height", "h]"))
            },
        }
    )
    return boxes[boxes["finding"].isin(findings)].dropna().reset_index(drop=True)


def _notes(config: ImportConfig, folder: Folder, experts: pd.DataFrame) -> list[str]:
    looked = int(experts.notna().any(axis=1).sum())
    if config.labels == "experts":
        if not looked:
            raise StudyError(
                "Expert labels were asked for, but the folder has none: put Google's "
                "four_findings_expert_labels_*_labels.csv or google2019_nih-chest-xray-labels.csv.gz into it."
            )
        return [f"Labels are Google's, of {looked} radiographs that experts read; the others are unknown."]
    notes = [
        "Labels were text-mined from reports by NIH; an unnamed finding counts as absent.",
        "NIH publishes no reports: text for training is made from the findings.",
    ]
    if looked:
        notes.append(f"Google's expert labels of {looked} radiographs are kept as columns for filtering.")
    return notes
