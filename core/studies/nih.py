"""NIH ChestX-ray14 in its own layout (Wang et al., CVPR 2017).

``images_*/images/*.png``, ``Data_Entry_2017*.csv``, ``train_val_list.txt`` and ``test_list.txt``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.errors import ConfigError, InputError, StudyError
from core.studies.images import read_radiograph
from core.studies.study import PREFIX, Progress, Study, write_study
from core.studies.vocabulary import NIH_FINDINGS
from core.workspace import salted

NEEDED = ("Image Index", "Finding Labels", "Patient ID", "Patient Age", "Patient Gender", "View Position")
NO_FINDING = "No Finding"
YEARS = {"": 1.0, "Y": 1.0, "M": 1 / 12, "D": 1 / 365.25}
"""Ages are plain years in the newer table and "058Y", "011M" or "001D" in the older one."""

MAX_AGE = 120
"""The published table has ages up to 414 (slips of the pen); beyond this an age counts as unknown."""


@dataclass(frozen=True, kw_only=True)
class NihSource:
    """Where the parts of the dataset were found."""

    folder: Path
    table: Path
    pictures: dict[str, Path]
    lists: dict[str, set[str]]


def import_nih(
    folder: Path,
    name: str,
    *,
    size: int = 224,
    val_fraction: float = 0.15,
    seed: int = 0,
    progress: Progress | None = None,
) -> Study:
    """Import a folder in NIH's layout; every radiograph is scaled once.

    Args:
        folder: holds the table, the two lists and ``images_*/images``.
        name: slug of the new study.
        size: side of the stored pictures in pixels.
        val_fraction: share of the patients in ``train_val_list.txt`` that becomes the validation split.
        seed: of that choice.
        progress: called with (done, total).

    Raises:
        StudyError: parts are missing, findings are unknown, or a patient lies in two splits.
        ConfigError: ``size`` or ``val_fraction`` is out of range.
    """
    if not 16 <= size <= 2048:
        raise ConfigError(f"size is {size!r}; the side of the stored pictures must lie between 16 and 2048 pixels.")
    if not 0 <= val_fraction < 1:
        raise ConfigError(f"val_fraction is {val_fraction!r}; it must be at least 0 and below 1.")
    source = find_parts(folder)
    table, set_aside = read_table(source)
    samples = _samples(table)
    samples["split"] = _splits(table, samples["patient"], val_fraction, seed)
    pictures = _decoded([source.pictures[file] for file in table["Image Index"]], size)
    about = {
        "source": "nih",
        "title": "NIH ChestX-ray14",
        "synthetic": False,
        "notes": [
            "Labels were text-mined from reports by NIH; an unnamed finding counts as absent.",
            f"Validation: {val_fraction:.0%} of the patients of train_val_list.txt, seed {seed}.",
            "NIH publishes no reports: text for training is made from the findings.",
        ],
        "set_aside": set_aside,
    }
    return write_study(name, samples, pictures, size=size, findings=NIH_FINDINGS, about=about, progress=progress)


def find_parts(folder: Path) -> NihSource:
    """Locate table, lists and pictures.

    Raises:
        StudyError: a part is missing; says which and what the layout is.
    """
    folder = folder.expanduser().resolve()
    tables = sorted(folder.glob("Data_Entry_2017*.csv"))
    pictures = {
        path.name: path
        for path in sorted([*folder.glob("images_*/images/*.png"), *folder.glob("images/*.png")])
        if path.resolve().is_relative_to(folder)
    }
    lists = {}
    for split, file in (("train_val", "train_val_list.txt"), ("test", "test_list.txt")):
        if (folder / file).is_file():
            lists[split] = set((folder / file).read_text(encoding="utf-8-sig", errors="replace").split())
    missing = [
        what
        for what, there in (
            ("Data_Entry_2017*.csv", tables),
            ("images_*/images/*.png", pictures),
            ("train_val_list.txt", "train_val" in lists),
            ("test_list.txt", "test" in lists),
        )
        if not there
    ]
    if missing:
        raise StudyError(f"{folder.name} is not in NIH's layout: it lacks {', '.join(missing)}.")
    if both := sorted(lists["train_val"] & lists["test"]):
        raise StudyError(f"{len(both)} file names stand in both lists; each belongs into one.")
    return NihSource(folder=folder, table=tables[-1], pictures=pictures, lists=lists)


def read_table(source: NihSource) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """The rows that have a picture and a split; the others as ``{"row", "reason"}`` (1 is the header's line).

    Raises:
        StudyError: columns are missing, names of findings are unknown, or files are named twice.
    """
    try:
        table = pd.read_csv(source.table, dtype=str, encoding="utf-8-sig")
    except ValueError as error:  # pandas' own errors, and bytes that are not UTF-8
        reason = str(error).strip().splitlines()[0][:200]
        raise StudyError(f"{source.table.name} cannot be read as a table in CSV form, UTF-8 ({reason}).") from error
    if missing := [name for name in NEEDED if name not in table]:
        raise StudyError(f"{source.table.name} lacks the columns {missing}; it has {list(table.columns)}.")
    if again := int(table["Image Index"].dropna().duplicated().sum()):
        raise StudyError(f"{source.table.name} names {again} files twice; each radiograph needs one row.")
    named = set(table["Finding Labels"].fillna("").str.split("|").explode().str.strip())
    if unknown := sorted(named - {*NIH_FINDINGS, NO_FINDING, ""}):
        raise StudyError(f"{source.table.name} has unknown findings {unknown[:8]}; known: {', '.join(NIH_FINDINGS)}.")
    table["row"] = np.arange(2, len(table) + 2)
    files = table["Image Index"]
    table["official"] = np.select(
        [files.isin(source.lists["train_val"]), files.isin(source.lists["test"])], ["train_val", "test"], default=""
    )
    reasons = np.select(
        [~files.isin(source.pictures.keys()), table["official"] == "", table["Patient ID"].isna()],
        ["no picture of that name", "in neither train_val_list.txt nor test_list.txt", "no Patient ID"],
        default="",
    )
    aside = [{"row": int(table["row"][row]), "reason": str(reasons[row])} for row in np.flatnonzero(reasons != "")]
    return table[reasons == ""].reset_index(drop=True), aside


def _samples(table: pd.DataFrame) -> pd.DataFrame:
    stated = table["Patient Age"].str.extract(r"^\s*(\d+(?:\.\d+)?)\s*([YMD]?)\s*$")
    age = pd.to_numeric(stated[0]) * stated[1].map(YEARS)
    samples = pd.DataFrame(
        {
            "id": [salted(file, "r") for file in table["Image Index"]],
            "patient": [salted(patient, "p") for patient in table["Patient ID"]],
            "split": "",
            "text": pd.Series([None] * len(table), dtype="object"),
            "age": age.where(age <= MAX_AGE).astype(np.float32),
            "sex": table["Patient Gender"].where(table["Patient Gender"].isin(["M", "F"]), None),
            "row": table["row"],
            "view": table["View Position"].where(table["View Position"].isin(["PA", "AP"]), None),
        }
    )
    named = (
        table["Finding Labels"].str.split("|").map(lambda found: {name.strip() for name in found}, na_action="ignore")
    )
    for finding in NIH_FINDINGS:
        samples[PREFIX + finding] = [
            np.nan if not isinstance(found, set) or found == {""} else float(finding in found) for found in named
        ]
    columns = [PREFIX + name for name in NIH_FINDINGS]
    return samples.astype({column: np.float32 for column in columns})


def _splits(table: pd.DataFrame, patients: pd.Series, val_fraction: float, seed: int) -> NDArray[np.object_]:
    """NIH's test list stays; whole patients of train_val become validation until its share is reached."""
    official = table["official"].to_numpy(str)
    both = set(patients[official == "train_val"]) & set(patients[official == "test"])
    if both:
        raise StudyError(
            f"{len(both)} patients lie in train_val_list.txt and in test_list.txt (first: "
            f"{', '.join(sorted(both)[:5])}). Give each patient one list and import again."
        )
    # the order must not depend on the workspace's salt: patients are shuffled by their original numbers
    own = table.loc[official == "train_val", "Patient ID"]
    order = np.random.default_rng(seed).permutation(np.array(sorted(own.unique())))
    sizes = own.value_counts().reindex(order)
    chosen = set(sizes.index[sizes.cumsum() - sizes < val_fraction * len(own)])
    split = np.where(table["Patient ID"].isin(chosen), "val", "train").astype(object)
    split[official == "test"] = "test"
    return split


def _decoded(paths: list[Path], size: int) -> Iterator[NDArray[np.uint8] | str]:
    """Pictures in order, or the reason why one cannot be read; a bounded number is under way at a time."""

    def one(path: Path) -> NDArray[np.uint8] | str:
        try:
            return read_radiograph(path, size)
        except InputError as error:
            return str(error)

    left = iter(paths)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:  # Pillow decodes and scales outside the GIL
        while batch := list(islice(left, 256)):
            yield from pool.map(one, batch)
