"""Writing a study: whole or not at all, each picture made once, no leaks."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from core.errors import ArtefactError, StudyError
from core.files import replacing, sync_folder, write_json
from core.studies.manifest import About, manifest, read_hashes, write_hashes
from core.studies.pixels import HASHES, IMAGES, JOURNAL, Pictures, PixelFile, read_journal
from core.studies.study import COLUMNS, PREFIX, SPLITS, Progress, Study, check_leaks
from core.studies.summary import summarise
from core.workspace import checked_slug, home

Arrange = Callable[[pd.DataFrame, Sequence[str]], tuple[NDArray[np.object_], dict[int, str]]]
"""(samples, hashes of their pixels) -> the split of each, and why some rows are to be set aside."""


def check_samples(samples: pd.DataFrame, findings: tuple[str, ...]) -> None:
    """Refuse a table that is not of a study's form.

    Raises:
        StudyError: empty, columns missing, ids repeated, or a label that is not 1, 0, -1 or unknown.
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
    labels = samples[wanted[len(COLUMNS) :]].to_numpy(np.float32)
    if not (np.isnan(labels) | np.isin(labels, (0, 1, -1))).all():
        raise StudyError("Labels must be 1 (present), 0 (absent), -1 (uncertain) or empty (unknown).")


def as_given(samples: pd.DataFrame, pixels: Sequence[str]) -> tuple[NDArray[np.object_], dict[int, str]]:
    """The splits that the table has, and nothing set aside."""
    return samples["split"].to_numpy(object), {}


def write_study(
    name: str,
    samples: pd.DataFrame,
    pictures: Pictures,
    *,
    size: int,
    findings: tuple[str, ...],
    about: About,
    arrange: Arrange = as_given,
    progress: Progress | None = None,
) -> Study:
    """Write a whole study, or nothing; what was decoded before a stop is not decoded again.

    Args:
        name: a slug; a study of that name is replaced at the very end.
        samples: the table, in the order of ``pictures``; a column ``row`` says where a sample stood in its source.
        pictures: how each picture is made; one that cannot be is set aside and listed.
        size: side S of the pictures in pixels.
        findings: names of the K findings.
        about: for the manifest.
        arrange: decides on splits when the pixels are known.
        progress: called with (done, total); an exception that it raises stops the work.

    Raises:
        StudyError: the table is not of the right form, or a patient or picture lies in two splits.
    """
    check_samples(samples, findings)
    final = home() / "studies" / checked_slug(name)
    final.parent.mkdir(parents=True, exist_ok=True)
    with _turn(name, len(samples), progress):
        draft = _open_draft(final, pictures.keys)
        with closing(PixelFile(draft, pictures.keys, size)) as file:
            _reuse(file, final)
            file.fill(pictures, progress)
            splits, reasons = _arranged(samples, file, arrange)
            order = file.keep(np.flatnonzero([row not in reasons for row in range(len(samples))]))
        table = samples.assign(split=splits).iloc[order].reset_index(drop=True)
        pixels = [file.made[row].pixels for row in order.tolist()]
        write_hashes(draft / HASHES, [pictures.keys[row] for row in order.tolist()], pixels)
        aside = _write_tables(draft, table, findings, about, _listed(samples, reasons))
        write_json(draft / "study.json", manifest(name, draft, table, pixels, size, findings, about, aside))
        _take_place(draft, final)
    return Study.load(name)


def writing_lock(name: str, timeout: float = -1) -> FileLock:
    """Held by whoever writes the study of that name."""
    return FileLock(home() / "studies" / f".{name}.lock", timeout=timeout)


@contextmanager
def _turn(name: str, count: int, progress: Progress | None) -> Iterator[None]:
    """A second writer of the same name waits for the first, and hears meanwhile when it is to stop."""
    lock = writing_lock(name, timeout=0.5)
    while True:
        try:
            lock.acquire()
            break
        except Timeout:
            if progress:
                progress(0, count)
    try:
        yield
    finally:
        lock.release()


def _open_draft(final: Path, keys: Sequence[str]) -> Path:
    """The folder of the unfinished study; one of other pictures steps aside, and is copied from."""
    draft = _draft(final)
    plan = hashlib.blake2b("".join(keys).encode(), digest_size=16).hexdigest()
    try:
        if (draft / "plan").read_bytes() == plan.encode():
            for torn in draft.glob(".*.tmp"):  # tables that a killed process was writing
                torn.unlink()
            return draft
        os.replace(draft, _earlier(final))
    except FileNotFoundError:
        shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    with replacing(draft / "plan") as stream:
        stream.write(plan.encode())
    return draft


def _draft(final: Path) -> Path:
    return final.with_name(f".{final.name}.import")


def _earlier(final: Path) -> Path:
    """Where what had a study's place, or its draft's, waits until it is copied from and removed."""
    return final.with_name(f".{final.name}.earlier-{uuid.uuid4().hex[:8]}")


def _all_earlier(final: Path) -> list[Path]:
    # exact names: ".x.*" would also be the drafts of a study called "x.y"
    return list(final.parent.glob(f".{final.name}.earlier-{'[0-9a-f]' * 8}"))


def discard_draft(name: str) -> None:
    """Remove what an unfinished import has decoded; an older study that a kill left between two renames comes back."""
    final = home() / "studies" / checked_slug(name)
    for earlier in _all_earlier(final):
        if (earlier / "study.json").is_file() and not final.exists():
            os.replace(earlier, final)
        shutil.rmtree(earlier, ignore_errors=True)
    shutil.rmtree(_draft(final), ignore_errors=True)


def _reuse(file: PixelFile, final: Path) -> None:
    """Copy what the study that is being replaced, or an import that was broken off, holds already."""
    for folder in _all_earlier(final):
        rows = {key: (one.row, one.pixels) for one, key in read_journal(folder / JOURNAL)}
        if (folder / IMAGES).exists():
            file.copy(folder / IMAGES, rows)
        shutil.rmtree(folder)
    try:
        held = read_hashes(final)
    except ArtefactError:
        return
    if (final / IMAGES).exists():
        file.copy(final / IMAGES, {key: (row, pixels) for row, (key, pixels) in enumerate(held)})


def _arranged(samples: pd.DataFrame, file: PixelFile, arrange: Arrange) -> tuple[NDArray[np.object_], dict[int, str]]:
    """The split of each sample (empty where it is set aside), and why rows are set aside.

    Raises:
        StudyError: nothing is left, or a patient or picture would lie in two splits.
    """
    made = [file.made[row] for row in range(len(samples))]
    reasons = {one.row: one.reason for one in made if one.reason}
    readable = np.array([one.row for one in made if not one.reason], np.int64)
    if not len(readable):
        first = "; ".join(f"row {_row(samples, row)}: {reason}" for row, reason in list(reasons.items())[:5])
        raise StudyError(f"None of the {len(samples)} radiographs can be read ({first}). Check the files.")
    own = samples.iloc[readable].reset_index(drop=True)
    pixels = [made[row].pixels for row in readable.tolist()]
    splits, more = arrange(own, pixels)
    inside = np.array([at not in more for at in range(len(own))])
    table = own.assign(split=splits)[inside]
    if not table["split"].isin(SPLITS).all():
        raise StudyError(f"Every sample needs one of the splits {', '.join(SPLITS)}.")
    check_leaks(table, [one for one, kept in zip(pixels, inside, strict=True) if kept])
    whole = np.full(len(samples), "", dtype=object)
    whole[readable] = splits
    return whole, reasons | {int(readable[at]): reason for at, reason in more.items()}


def _row(samples: pd.DataFrame, at: int) -> int:
    return int(samples["row"].iloc[at]) if "row" in samples else at


def _listed(samples: pd.DataFrame, reasons: dict[int, str]) -> pd.DataFrame:
    """Rows that were set aside, as the study lists them."""
    rows = sorted(reasons)
    return pd.DataFrame(
        {
            "row": np.array([_row(samples, row) for row in rows], np.int64),
            "file": [samples["id"].iloc[row] for row in rows],
            "reason": [reasons[row] for row in rows],
        }
    )


def _write_tables(
    draft: Path, table: pd.DataFrame, findings: tuple[str, ...], about: About, listed: pd.DataFrame
) -> pd.DataFrame:
    """Write all tables; returns the rows that were set aside, by the source and here."""
    aside = pd.concat([part for part in (about.set_aside, listed) if len(part)] or [listed], ignore_index=True)
    aside = aside.astype({"row": np.int64, "file": "str", "reason": "str"}).sort_values("row")
    boxes = about.boxes[about.boxes["id"].isin(table["id"])]
    for file, rows in (
        ("samples.parquet", table),
        ("set_aside.parquet", aside),
        ("boxes.parquet", boxes),
    ):
        with replacing(draft / file) as stream:
            rows.to_parquet(stream, index=False)
    write_json(draft / "summary.json", summarise(table, findings))
    return aside


def _take_place(draft: Path, final: Path) -> None:
    """Move the finished folder to its name; an older study of that name goes only now.

    Its plan and journal go last: were the work ended before that, the next start finds a draft that it can go on with.
    """
    old = _earlier(final)
    if final.exists():
        os.replace(final, old)
    os.replace(draft, final)
    sync_folder(final.parent)
    for file in (JOURNAL, "plan"):
        (final / file).unlink(missing_ok=True)
    shutil.rmtree(old, ignore_errors=True)
