"""What is said of a study: fingerprint, hashes of its pictures, and ``study.json``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.errors import ArtefactError
from core.files import read_json, replacing, stamp, verify
from core.studies.listing import no_boxes
from core.studies.pixels import HASHES, IMAGES
from core.studies.study import COLUMNS, FORM, PREFIX, SPLITS


@dataclass(frozen=True, kw_only=True)
class About:
    """What a study's manifest says beside its numbers."""

    source: str
    title: str
    synthetic: bool = False
    notes: Sequence[str] = ()
    uncertain: str = "S2"
    fit: str = "crop"
    plan: str = ""
    """Changes when anything would that the study is made from."""
    set_aside: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"row": [], "file": [], "reason": []}))
    boxes: pd.DataFrame = field(default_factory=lambda: no_boxes().rename(columns={"file": "id"}))


def read_hashes(folder: Path) -> list[tuple[str, str]]:
    """Key and hash of the pixels of each picture of a finished study.

    Raises:
        ArtefactError: there are none, or they are damaged.
    """
    manifest = read_json(folder / "study.json")
    if not isinstance(manifest, dict) or manifest.get("form") != FORM:
        raise ArtefactError(f"{folder.name} is not a study of this version's form.")
    verify(folder / HASHES, manifest["files"][HASHES])
    found = np.load(folder / HASHES, allow_pickle=False)
    return [(row[0].tobytes().hex(), row[1].tobytes().hex()) for row in found]


def write_hashes(path: Path, keys: Sequence[str], pixels: Sequence[str]) -> None:
    """uint8 (N, 2, 16): key and hash of the pixels of each picture."""
    pairs = b"".join(bytes.fromhex(key + own) for key, own in zip(keys, pixels, strict=True))
    with replacing(path) as stream:
        np.save(stream, np.frombuffer(pairs, np.uint8).reshape(-1, 2, 16), allow_pickle=False)


def fingerprint(table: pd.DataFrame, pixels: Sequence[str], size: int, findings: tuple[str, ...], policy: str) -> str:
    """32 hex digits that change when any sample, label, split or pixel does."""
    digest = hashlib.sha256(repr((size, findings, policy)).encode())
    own = table[[*COLUMNS, *(PREFIX + name for name in findings)]]
    for start in range(0, len(own), 100_000):  # a million rows as one text would be gigabytes
        digest.update(own.iloc[start : start + 100_000].to_csv(index=False).encode())
    digest.update("".join(pixels).encode())
    return digest.hexdigest()[:32]


def split_hash(table: pd.DataFrame) -> str:
    """16 hex digits that change when a patient moves to another split."""
    pairs = table[["patient", "split"]].drop_duplicates()
    lines = sorted(f"{patient}\t{split}\n" for patient, split in zip(pairs["patient"], pairs["split"], strict=True))
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def manifest(
    name: str,
    draft: Path,
    table: pd.DataFrame,
    pixels: Sequence[str],
    size: int,
    findings: tuple[str, ...],
    about: About,
    aside: pd.DataFrame,
) -> dict[str, Any]:
    """``study.json``: what the study is, and the stamp of each of its files."""
    stamped = ("samples.parquet", "set_aside.parquet", "boxes.parquet", "summary.json", HASHES)
    return {
        "form": FORM,
        "name": name,
        "source": about.source,
        "title": about.title,
        "synthetic": about.synthetic,
        "notes": list(about.notes),
        "samples": len(table),
        "patients": int(table["patient"].nunique()),
        "size": size,
        "fit": about.fit,
        "findings": list(findings),
        "uncertain": about.uncertain,
        "has_text": bool(table["text"].notna().any()),
        "splits": {split: int((table["split"] == split).sum()) for split in SPLITS},
        "set_aside": {str(reason): int(count) for reason, count in aside["reason"].value_counts().items()},
        "plan": about.plan,
        "split_hash": split_hash(table),
        "fingerprint": fingerprint(table, pixels, size, findings, about.uncertain),
        "files": {
            **{file: stamp(draft / file) for file in stamped},
            IMAGES: {"bytes": (draft / IMAGES).stat().st_size},  # its rows are hashed one by one in hashes.npy
        },
    }
