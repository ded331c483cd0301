"""Who is in the demo study: patients, follow-ups and labels drawn from the real NIH ChestX-ray14 table."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from core.errors import StudyError
from core.studies.demo.config import DemoConfig
from core.studies.demo.reports import report
from core.studies.vocabulary import NIH_FINDINGS

SHARES = {"train": 0.60, "val": 0.13, "test": 0.27}
"""Share of the images in each split; a patient is in one split only."""

MIN_POSITIVES = {"train": 45, "val": 9, "test": 21}
"""Positives that every finding gets in a study of 1,200 images; smaller studies scale it down."""

MAX_FOLLOW_UPS = 4
_BOTH_SIDES = {"Edema": 1.0, "Emphysema": 1.0, "Fibrosis": 0.75, "Infiltration": 0.4, "Effusion": 0.25}
_UNSIDED = ("Cardiomegaly", "Hernia")


@lru_cache(maxsize=1)
def _nih_table() -> pd.DataFrame:
    """NIH's table of 112,120 images as torchxrayvision ships it, in patient and follow-up order.

    The package is located without being imported: its import would bring torch in.
    """
    spec = importlib.util.find_spec("torchxrayvision")
    if spec is None or not spec.submodule_search_locations:
        raise StudyError(
            "The demo study samples NIH's label table from the package torchxrayvision, which is not installed; "
            "install requirements.txt (make setup) and try again."
        )
    path = Path(next(iter(spec.submodule_search_locations))) / "data" / "Data_Entry_2017_v2020.csv.gz"
    if not path.is_file():
        raise StudyError(
            f"torchxrayvision is installed but has no {path.name} in its data folder; the demo study needs it. "
            "Install the version in requirements.txt and try again."
        )
    columns = ["Finding Labels", "Follow-up #", "Patient ID", "Patient Age", "Patient Gender", "View Position"]
    table = pd.read_csv(path, usecols=columns)
    table.columns = pd.Index(["labels", "follow_up", "nih_patient", "age", "sex", "view"])
    # Older releases of the table hold ages such as 412: typing errors, not people.
    table = table[table["age"].between(1, 100)]
    # 112,120 rows hold under a thousand different sets of labels; only those are split.
    code, kinds = pd.factorize(table["labels"])
    found = pd.Series(kinds).str.get_dummies("|").reindex(columns=list(NIH_FINDINGS), fill_value=0)
    found = found.iloc[code].set_index(table.index)
    table = pd.concat([table.drop(columns="labels"), found.astype(np.int8)], axis=1)
    return table.sort_values(["nih_patient", "follow_up"]).reset_index(drop=True)


class _SplitDraw:
    """Draws whole patients (up to four successive images each) for one split until its budget is met."""

    def __init__(self, found: np.ndarray, rows_of: list[np.ndarray], budget: int, rng: np.random.Generator):
        self.found = found
        self.rows_of = rows_of
        self.left = list(range(len(rows_of)))
        self.budget = budget
        self.rng = rng
        self.rows: list[np.ndarray] = []
        self.count = np.zeros(found.shape[1], dtype=int)
        self.size = 0
        rng.shuffle(self.left)

    def take(self, patient: int, around: int | None = None) -> None:
        """Add a window of the patient's images, ``around`` the first positive of that finding where one is named."""
        rows = self.rows_of[patient]
        length = min(len(rows), int(self.rng.choice([1, 2, 3, MAX_FOLLOW_UPS], p=[0.45, 0.25, 0.18, 0.12])))
        centre = 0 if around is None else int(np.argmax(self.found[rows, around]))
        start = int(np.clip(centre - self.rng.integers(length), 0, len(rows) - length))
        rows = rows[start : start + min(length, self.budget - self.size)]
        self.rows.append(rows)
        self.size += len(rows)
        self.count += self.found[rows].sum(axis=0)

    def reach(self, finding: int, wanted: int) -> None:
        """Over-sample one finding until ``wanted`` images show it, or nobody or no room is left."""
        for patient in list(self.left):
            if self.count[finding] >= wanted or self.size >= self.budget:
                return
            if self.found[self.rows_of[patient], finding].any():
                self.left.remove(patient)
                self.take(patient, around=finding)

    def fill(self) -> None:
        """Spend the rest of the budget on patients drawn as they come, which keeps NIH's own frequencies."""
        while self.size < self.budget and self.left:
            self.take(self.left.pop())


def _draw_rows(config: DemoConfig, nih: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Rows of the NIH table with a ``split`` column; patients never cross splits."""
    found = nih[list(NIH_FINDINGS)].to_numpy(dtype=np.int64)
    starts = np.flatnonzero(np.diff(nih["nih_patient"].to_numpy(), prepend=-1))
    patients = np.split(np.arange(len(nih)), starts[1:])
    order = rng.permutation(len(patients))
    cuts = (np.cumsum(list(SHARES.values())) * len(patients)).astype(int)[:-1]
    rare_first = np.argsort(found.sum(axis=0))
    budgets = {name: round(share * config.images) for name, share in SHARES.items()}
    budgets["train"] += config.images - sum(budgets.values())
    parts = []
    for name, members in zip(SHARES, np.split(order, cuts), strict=True):
        draw = _SplitDraw(found, [patients[i] for i in members], budgets[name], rng)
        wanted = max(1, int(MIN_POSITIVES[name] * min(1.0, config.images / 1200)))
        for finding in rare_first:
            draw.reach(int(finding), wanted)
        draw.fill()
        part = nih.iloc[np.concatenate(draw.rows)].copy()
        part["split"] = name
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _sides_and_severities(rows: pd.DataFrame, seed: int) -> dict[str, list[object]]:
    """One column per ``severity:`` and ``side:``; a patient's disease keeps its side and changes its severity."""
    columns: dict[str, list[object]] = {}
    for number, name in enumerate(NIH_FINDINGS):
        severity: list[object] = []
        side: list[object] = []
        for patient, follow_up, present in zip(rows["nih_patient"], rows["follow_up"], rows[name], strict=True):
            lasting = np.random.default_rng([seed, 11, number, int(patient)])
            chosen = "both" if lasting.random() < _BOTH_SIDES.get(name, 0.0) else lasting.choice(["left", "right"])
            level = lasting.beta(1.7, 1.6)
            passing = np.random.default_rng([seed, 12, number, int(patient), int(follow_up)])
            level = float(np.clip(0.7 * level + 0.3 * passing.beta(1.7, 1.6), 0.0, 1.0))
            severity.append(0.08 + 0.92 * level if present else 0.0)
            side.append(str(chosen) if present and name not in _UNSIDED else None)
        columns[f"severity:{name}"] = severity
        columns[f"side:{name}"] = side
    return columns


def _shuffle_patients(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Mix the splits patient by patient, numbered by ``key``: any first slice of the table is representative."""
    keys = rng.permutation(rows["nih_patient"].nunique())
    rows = rows.assign(key=keys[pd.factorize(rows["nih_patient"])[0]])
    return rows.sort_values(["key", "follow_up"], kind="stable").reset_index(drop=True)


def sample_table(config: DemoConfig) -> pd.DataFrame:
    """Draw the demo study's table: one row per radiograph, ``config.images`` rows.

    Labels, their co-occurrence, ages, sexes, views and follow-ups are real rows of the NIH ChestX-ray14 table
    (Wang et al., CVPR 2017); severity and side, which NIH does not record, are drawn.

    Returns:
        Columns ``id``, ``patient``, ``split``, ``text``, ``age`` (years), ``sex`` ("M" | "F"), ``view``
        ("PA" | "AP"), ``finding:<Name>`` (float32, 1 present, 0 absent), ``severity:<Name>`` (float32 in [0, 1],
        0 when absent), ``side:<Name>`` ("left" | "right" | "both" | None), ``body_seed`` (one per patient) and
        ``render_seed`` (one per radiograph). The last two with severity and side are what ``render`` reads.

    Raises:
        StudyError: the package that carries NIH's table is not installed.
    """
    rows = _draw_rows(config, _nih_table(), np.random.default_rng([config.seed, 1]))
    rows = _shuffle_patients(rows, np.random.default_rng([config.seed, 2]))
    names = {key: f"demo-p{place + 1:04d}" for place, key in enumerate(rows["key"].unique())}
    table: dict[str, object] = {
        "id": [f"demo-{i + 1:05d}" for i in range(len(rows))],
        "patient": rows["key"].map(names).astype(str),
        "split": rows["split"].astype(str),
        "text": None,
        "age": rows["age"].astype(float),
        "sex": rows["sex"].astype(str),
        "view": rows["view"].astype(str),
    }
    table |= {f"finding:{name}": rows[name].astype(np.float32) for name in NIH_FINDINGS}
    extra = _sides_and_severities(rows, config.seed)
    table |= {
        name: np.asarray(values, dtype=np.float32) if name.startswith("severity:") else values
        for name, values in extra.items()
    }
    seeds = np.random.default_rng([config.seed, 3]).permutation(2**20)
    table["body_seed"] = seeds[rows["key"].to_numpy()].astype(np.int64)
    table["render_seed"] = (seeds[: len(rows)] + 2**20).astype(np.int64)
    frame = pd.DataFrame(table)
    frame["text"] = [report(row) for row in frame.to_dict("records")]
    return frame


def notes(table: pd.DataFrame) -> list[str]:
    """What a reader must know about a table of ``sample_table``, as sentences."""
    found = table[[f"finding:{name}" for name in NIH_FINDINGS]]
    normal = float((found.sum(axis=1) == 0).mean())
    lowest = found[table["split"] == "test"].sum().astype(int)
    rarest = str(lowest.idxmin()).removeprefix("finding:")
    return [
        "Synthetic: every radiograph is drawn by a program, none is of a person; results on it say nothing about "
        "clinical performance.",
        f"{len(table)} radiographs of {table['patient'].nunique()} patients. Labels, their co-occurrence, ages, "
        "sexes, views and follow-ups are rows of the NIH ChestX-ray14 table (Wang et al., CVPR 2017) that "
        "torchxrayvision carries; severity and side are drawn at random and report sentences are written from them.",
        "Each finding changes the anatomy that it is named after, from barely visible to gross, and a patient's "
        "follow-ups show the same body.",
        f"Rare findings are over-sampled, so prevalences are not those of NIH: at least {int(lowest.min())} test "
        f"radiographs show each finding (fewest: {rarest}), and {normal:.0%} of all radiographs show no finding.",
        "Patients never cross splits: "
        + ", ".join(f"{name} {int((table['split'] == name).sum())}" for name in SHARES)
        + " radiographs.",
    ]
