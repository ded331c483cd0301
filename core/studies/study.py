"""Study: radiographs, text, findings, patients and splits in one memory-mapped form."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
import pandas as pd
from numpy.lib.format import write_array_header_1_0
from numpy.typing import NDArray

from core.errors import ArtefactError, StudyError
from core.files import read_json, replacing, stamp, sync_folder, verify, write_json
from core.workspace import checked_slug, home

SPLITS = ("train", "val", "test")
PREFIX = "finding:"
COLUMNS = ("id", "patient", "split", "text", "age", "sex", "view")
FORM = 1
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Study:
    """A study on disk; tables and images are read on first use."""

    folder: Path
    manifest: dict[str, Any]

    @classmethod
    def load(cls, name: str) -> Self:
        """Open the study of that name.

        Raises:
            StudyError: there is none, or it is not whole.
        """
        folder = home() / "studies" / checked_slug(name)
        if not (folder / "study.json").is_file():
            known = ", ".join(study_names()) or "none yet"
            raise StudyError(f"No study {name!r}; there is: {known}. Make one with `python -m scripts.study import`.")
        manifest = read_json(folder / "study.json")
        if not isinstance(manifest, dict) or manifest.get("form") != FORM:
            raise StudyError(f"Study {name!r} is not of this version's form: import it again.")
        for file, expected in manifest["files"].items():
            path = folder / file
            if not path.is_file() or path.stat().st_size != expected["bytes"]:
                raise StudyError(f"Study {name!r} is not whole: {file} is missing or cut. Import it again.")
        return cls(folder, manifest)

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def findings(self) -> tuple[str, ...]:
        return tuple(self.manifest["findings"])

    @property
    def synthetic(self) -> bool:
        return bool(self.manifest["synthetic"])

    @property
    def fingerprint(self) -> str:
        """Changes when any sample, label, split or pixel does."""
        return str(self.manifest["fingerprint"])

    @property
    def split_hash(self) -> str:
        return str(self.manifest["split_hash"])

    @property
    def has_text(self) -> bool:
        return bool(self.manifest["has_text"])

    def __len__(self) -> int:
        return int(self.manifest["samples"])

    @cached_property
    def samples(self) -> pd.DataFrame:
        """One row per radiograph: id, patient, split, text, age, sex, view and ``finding:*`` (1, 0, NaN)."""
        path = self.folder / "samples.parquet"
        verify(path, self.manifest["files"][path.name])
        return pd.read_parquet(path)

    @cached_property
    def images(self) -> NDArray[np.uint8]:
        """uint8 (N, S, S), memory-mapped; bone is white."""
        images: NDArray[np.uint8] = np.load(self.folder / "images.npy", mmap_mode="r", allow_pickle=False)
        return images

    @cached_property
    def labels(self) -> NDArray[np.float32]:
        """float32 (N, K): 1 present, 0 absent, NaN unknown."""
        columns = [PREFIX + name for name in self.findings]
        return self.samples[columns].to_numpy(np.float32)

    def rows(self, *splits: str) -> NDArray[np.int64]:
        """Positions of the samples in the given splits, in order."""
        return np.flatnonzero(self.samples["split"].isin(splits).to_numpy())

    def judged_rows(self) -> NDArray[np.int64]:
        """Positions of the samples that space and scores are measured on: the test split, or all without one."""
        test = self.rows("test")
        return test if len(test) else np.arange(len(self))


def study_names() -> list[str]:
    """Names of the finished studies of this workspace, sorted."""
    folder = home() / "studies"
    return sorted(path.parent.name for path in folder.glob("[a-z0-9]*/study.json")) if folder.is_dir() else []


def check_leaks(samples: pd.DataFrame, pixel_hashes: list[bytes] | None = None) -> None:
    """Refuse a patient, or (where hashes of the pixels are given) a picture, that lies in two splits.

    Raises:
        StudyError: with the first salted ids.
    """
    spread = samples.groupby("patient")["split"].nunique()
    if len(crossing := spread[spread > 1].index.tolist()):
        raise StudyError(
            f"{len(crossing)} patients lie in more than one split (first: {', '.join(crossing[:5])}). "
            "Results would be too good: give each patient one split and import again."
        )
    if pixel_hashes is None:
        return
    table = pd.DataFrame({"id": samples["id"], "split": samples["split"], "pixels": pixel_hashes})
    spread = table.groupby("pixels")["split"].nunique()
    if len(twins := table[table["pixels"].isin(spread[spread > 1].index)]):
        raise StudyError(
            f"{len(twins)} radiographs have the same pixels as one in another split "
            f"(first: {', '.join(twins['id'][:4])}). Remove the copies and import again."
        )


def check_samples(samples: pd.DataFrame, findings: tuple[str, ...]) -> None:
    """Refuse a table that is not of a study's form.

    Raises:
        StudyError: empty, columns missing, ids repeated, unknown split, or a label that is not 1, 0 or unknown.
    """
    if samples.empty:
        raise StudyError("There is no radiograph to import.")
    wanted = [*COLUMNS, *(PREFIX + name for name in findings)]
    if missing := [name for name in wanted if name not in samples]:
        raise StudyError(f"The table of samples lacks the columns {missing}.")
    if samples[["id", "patient"]].isna().any(axis=None):
        raise StudyError("A sample has no id or no patient; without a patient nobody can keep the splits apart.")
    if samples["id"].duplicated().any():
        raise StudyError(f"{int(samples['id'].duplicated().sum())} ids appear twice; each radiograph needs its own.")
    if not samples["split"].isin(SPLITS).all():
        raise StudyError(f"Every sample needs one of the splits {', '.join(SPLITS)}.")
    labels = samples[wanted[len(COLUMNS) :]].to_numpy(np.float32)
    if not (np.isnan(labels) | (labels == 0) | (labels == 1)).all():
        raise StudyError("Labels must be 1 (present), 0 (absent) or empty (unknown).")


def write_study(
    name: str,
    samples: pd.DataFrame,
    pictures: Iterator[NDArray[np.uint8] | str],
    *,
    size: int,
    findings: tuple[str, ...],
    about: dict[str, Any],
    progress: Progress | None = None,
) -> Study:
    """Write a whole study, or nothing.

    Args:
        name: a slug; a study of that name is replaced at the very end.
        samples: the table, in the order of ``pictures``.
        pictures: uint8 (size, size) each, or the reason why there is none: that row is set aside and listed.
        size: side S of the pictures in pixels.
        findings: names of the K findings.
        about: ``source``, ``title``, ``synthetic``, ``notes`` and ``set_aside`` for the manifest.
        progress: called with (done, total).

    Raises:
        StudyError: the table is not of the right form, or a patient or picture lies in two splits.
    """
    check_samples(samples, findings)
    final = home() / "studies" / checked_slug(name)
    draft = final.with_name(f".{name}.{uuid.uuid4().hex[:8]}.tmp")
    draft.mkdir(parents=True)
    try:
        hashes, unreadable = _write_images(draft / "images.npy", pictures, len(samples), size, progress)
        aside = [
            {"row": int(samples.iloc[row].get("row", row)), "id": samples.iloc[row]["id"], "reason": reason}
            for row, reason in unreadable.items()
        ]
        samples = samples.drop(samples.index[list(unreadable)]).reset_index(drop=True)
        if samples.empty:
            reasons = "; ".join(f"row {one['row']}: {one['reason']}" for one in aside[:5])
            raise StudyError(f"None of the {len(aside)} radiographs can be read ({reasons}). Check the files.")
        check_leaks(samples, hashes)
        with replacing(draft / "samples.parquet") as stream:
            samples.to_parquet(stream, index=False)
        about = {**about, "set_aside": [*about.get("set_aside", []), *aside]}
        write_json(draft / "study.json", _manifest(name, draft, samples, hashes, size, findings, about))
        _take_place(draft, final)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Study.load(name)


def _write_images(
    path: Path, pictures: Iterator[NDArray[np.uint8] | str], count: int, size: int, progress: Progress | None
) -> tuple[list[bytes], dict[int, str]]:
    """Write the array front to back; returns a hash of each picture's pixels, and why some rows have none."""
    hashes: list[bytes] = []
    unreadable: dict[int, str] = {}
    with path.open("wb") as stream:
        _write_header(stream, count, size)
        for row, picture in enumerate(pictures):
            if isinstance(picture, str):
                unreadable[row] = picture
            else:
                assert picture.shape == (size, size)
                assert picture.dtype == np.uint8
                stream.write(picture.tobytes())
                hashes.append(hashlib.blake2b(picture.tobytes(), digest_size=16).digest())
            if progress:
                progress(row + 1, count)
        if len(hashes) + len(unreadable) != count:
            raise StudyError(f"{count} samples but {len(hashes)} pictures: the import broke off.")
        stream.seek(0)
        _write_header(stream, len(hashes), size)  # of the same length: numpy pads it for a growing first axis
        stream.flush()
        os.fsync(stream.fileno())
    return hashes, unreadable


def _write_header(stream: BinaryIO, count: int, size: int) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, size, size)}
    write_array_header_1_0(stream, header)


def _manifest(
    name: str,
    draft: Path,
    samples: pd.DataFrame,
    hashes: list[bytes],
    size: int,
    findings: tuple[str, ...],
    about: dict[str, Any],
) -> dict[str, Any]:
    splits = "".join(sorted(f"{p}\t{s}\n" for p, s in set(zip(samples["patient"], samples["split"], strict=True))))
    table = samples[[*COLUMNS, *(PREFIX + f for f in findings)]].to_csv(index=False)
    fingerprint = hashlib.sha256(table.encode() + b"".join(hashes) + repr((size, findings)).encode())
    images = draft / "images.npy"
    return {
        "form": FORM,
        "name": name,
        "samples": len(samples),
        "patients": int(samples["patient"].nunique()),
        "size": size,
        "findings": list(findings),
        "has_text": bool(samples["text"].notna().any()),
        "splits": {split: int((samples["split"] == split).sum()) for split in SPLITS},
        "split_hash": hashlib.sha256(splits.encode()).hexdigest()[:16],
        "fingerprint": fingerprint.hexdigest()[:32],
        **about,
        "files": {"samples.parquet": stamp(draft / "samples.parquet"), "images.npy": {"bytes": images.stat().st_size}},
    }


def _take_place(draft: Path, final: Path) -> None:
    """Move the finished folder to its name; an older study of that name goes only now."""
    old = final.with_name(f".{final.name}.{uuid.uuid4().hex[:8]}.old")
    if final.exists():
        os.replace(final, old)
    os.replace(draft, final)
    sync_folder(final.parent)
    shutil.rmtree(old, ignore_errors=True)


def load_studies() -> list[Study]:
    """Every study that is whole; a damaged one is left out (opening it by name says why)."""
    studies = []
    for name in study_names():
        try:
            studies.append(Study.load(name))
        except (StudyError, ArtefactError):
            continue
    return studies
