"""From a folder to a study: list, salt, decode on all cores, split by patient, write."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.config.importing import ImportConfig
from core.errors import ArtefactError, StudyError
from core.files import verify
from core.studies.arranging import BOTH, Arranger
from core.studies.demo import DemoConfig
from core.studies.demo.build import build_demo
from core.studies.folder import Folder
from core.studies.images import Fit, read_radiograph
from core.studies.imports import Import
from core.studies.listing import FACTS, Listing
from core.studies.manifest import About
from core.studies.pixels import IMAGES, Pictures
from core.studies.sources import read_source
from core.studies.study import COLUMNS, FORM, PREFIX, UNCERTAIN, Progress, Study, check_leaks, study_names
from core.studies.vocabulary import counterpart
from core.studies.writing import write_study
from core.work import ProgressFile, StopRequest
from core.workspace import checked_slug, salted

log = logging.getLogger(__name__)

DECODERS = ("images.py", "dicom.py", "frames.py", "windowing.py")
"""What decides how a picture is read: when one of them changes, pictures are read again."""


def import_study(config: ImportConfig, progress: Progress | None = None) -> Study:
    """Make a study of a folder; a sound study of a folder that did not change since is left as it is.

    Args:
        config: see :class:`ImportConfig`.
        progress: called with (done, total); an exception that it raises stops the import, and the next one goes on.

    Raises:
        StudyError: the folder, its table or its splits are not of the right form; nothing is written then.
        ConfigError: the name cannot name a study.
    """
    checked_slug(config.name)
    if config.source == "demo":
        return build_demo(DemoConfig(images=config.images, size=config.size, seed=config.seed), config.name, progress)
    listing = read_source(config, Folder.read(Path(config.path)))
    if listing.samples.empty:
        raise StudyError(_nothing_left(listing))
    listing = translated(listing, config.vocabulary)
    _check_named(listing, config)
    patients, keys = _patients(listing.samples), _keys(listing, config)
    _check_given(listing, config, patients)
    plan = plan_of(listing, config, keys)
    if config.name in study_names() and (study := _unchanged(config.name, plan)):
        return study
    ids = salted(listing.samples["file"], "r")
    return write_study(
        config.name,
        _samples(listing, ids, patients),
        _pictures(listing, config, keys),
        size=config.size,
        findings=listing.findings,
        about=_about(listing, config, plan, dict(zip(listing.samples["file"], ids, strict=True))),
        arrange=Arranger(config, listing.findings, dict(zip(ids, patients, strict=True))),
        progress=progress,
    )


def _unchanged(name: str, plan: str) -> Study | None:
    """The study of that name, where it was made by the same plan and nobody altered its files since."""
    try:
        study = Study.load(name)
        if study.manifest["plan"] != plan:
            return None
        for file, expected in study.manifest["files"].items():
            if file != IMAGES:
                verify(study.folder / file, expected)
    except (StudyError, ArtefactError):
        return None  # of an older form, or not whole: it is replaced
    # gigabytes of pixels are not hashed at each import (`scripts.study check` does that): their time must do
    times = [(study.folder / file).stat().st_mtime_ns for file in (IMAGES, "study.json")]
    return study if times[0] <= times[1] else None


def run_import(job: Import) -> Study:
    """Do the work of an import's folder: tell progress, listen for a stop, say in the log what came out."""
    progress, stop = ProgressFile(job.folder), StopRequest()
    job.forget_failure()
    with progress.stage("import", "radiographs") as tell:

        def both(done: int, total: int) -> None:
            tell(done, total)
            stop.check()

        study = import_study(job.config, both)
    job.forget_path()
    for note in study.manifest["notes"]:
        log.info("%s", note)
    log.info(
        "study %s: %d radiographs of %d patients; set aside: %d",
        study.name,
        len(study),
        study.manifest["patients"],
        sum(study.manifest["set_aside"].values()),
    )
    return study


def _nothing_left(listing: Listing) -> str:
    reasons = listing.set_aside["reason"].value_counts()
    told = "; ".join(f"{count} x {reason}" for reason, count in reasons.items())
    first = ", ".join(map(str, listing.set_aside["row"][:5]))
    return (
        f"No row of the table has a radiograph that can be imported: {told or 'it is empty'}"
        + (f" (first rows: {first})" if first else "")
        + ". Nothing was imported; check the folder and the names in the table."
    )


def translated(listing: Listing, vocabulary: str) -> Listing:
    """Findings named as in another vocabulary where they mean the same; what was renamed and what not is noted."""
    if vocabulary == "own":
        return listing
    names = {name: counterpart(name, vocabulary) or name for name in listing.findings}
    if len(set(names.values())) < len(names):
        raise StudyError(
            f"Two findings of this source mean the same in the vocabulary {vocabulary!r}; keep its own names."
        )
    changed = [f"{old} is {new}" for old, new in names.items() if old != new]
    own = [name for name in listing.findings if counterpart(name, vocabulary) is None]
    notes = [
        *listing.notes,
        f"Findings are named as in {vocabulary.upper()}: {'; '.join(changed) or 'none had to be renamed'}."
        + (f" Without counterpart there, under their own names: {', '.join(own)}." if own else ""),
    ]
    return replace(
        listing,
        findings=tuple(names.values()),
        samples=listing.samples.rename(columns={PREFIX + old: PREFIX + new for old, new in names.items()}),
        boxes=listing.boxes.assign(finding=listing.boxes["finding"].replace(names)),
        notes=notes,
    )


def _check_named(listing: Listing, config: ImportConfig) -> None:
    """Ask for patients where there are none."""
    unnamed = _unnamed(listing.samples)
    if config.patients == "named" and unnamed.any():
        of_table = config.source == "table"
        rows = ", ".join(map(str, listing.samples.loc[unnamed, "row"][:5]))
        raise StudyError(
            f"{int(unnamed.sum())} of {len(unnamed)} radiographs have no patient (rows {rows} …), and without patients "
            "nobody can keep the splits apart. "
            + ("Name the column that says whose they are (`--mapping.patient COLUMN`), or, w" if of_table else "W")
            + "here each is another person's, say so (`--patients each-image`)."
        )


def _check_given(listing: Listing, config: ImportConfig, patients: Sequence[str]) -> None:
    """Refuse a patient in two given splits before anything is decoded."""
    given = listing.samples["split"]
    if config.split == "given" and (given != "").any():
        check_leaks(pd.DataFrame({"patient": salted(patients, "p"), "split": given}))


def _unnamed(samples: pd.DataFrame) -> NDArray[np.bool_]:
    return (samples["patient"].isna() | (samples["patient"].astype("str").str.strip() == "")).to_numpy(bool)


def _patients(samples: pd.DataFrame) -> list[str]:
    """The patients' own names; the file's name where each image counts as another person's."""
    unnamed = _unnamed(samples)
    pairs = zip(samples["patient"], samples["file"], unnamed, strict=True)
    return [f"image {file}" if missing else _same_person(str(patient)) for patient, file, missing in pairs]


def _same_person(name: str) -> str:
    """One spelling of a patient: "P7 " and "p7", "12.0" and "12" are the same one. (Two that are told apart by their
    capitals alone end in one split together, which does no harm; the other way would leak.)"""
    return name.strip().casefold().removesuffix(".0")


def plan_of(listing: Listing, config: ImportConfig, keys: Sequence[str]) -> str:
    """32 hex digits of all that the study would be made from: settings, table, and size and time of each file."""
    own = config.to_json()
    for what in ("path", "name"):
        own.pop(what)
    digest = hashlib.blake2b(json.dumps([FORM, own, listing.title, listing.notes]).encode(), digest_size=16)
    for table in (listing.samples, listing.set_aside, listing.boxes):
        plain = table.astype({name: "str" for name in table if table[name].dtype == object})
        digest.update(pd.util.hash_pandas_object(plain, index=False).to_numpy().tobytes())
        digest.update("\t".join(map(str, table.columns)).encode())
    digest.update("".join(keys).encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class _Task:
    """One file to decode."""

    path: str
    fit: Fit


def decode(task: _Task, size: int) -> NDArray[np.uint8]:
    """What a process does with a file."""
    return read_radiograph(Path(task.path), size, task.fit)


def _pictures(listing: Listing, config: ImportConfig, keys: Sequence[str]) -> Pictures:
    root = str(listing.folder.root)
    tasks = [_Task(f"{root}/{file}", config.fit) for file in listing.samples["file"]]
    return Pictures(tasks=tasks, keys=keys, make=decode)


def _keys(listing: Listing, config: ImportConfig) -> list[str]:
    """A picture is decoded again when its file, the wanted form, or the decoder changes."""
    versions = [metadata.version(package) for package in ("pillow", "pydicom", "imagecodecs")]
    program = hashlib.blake2b(f"{config.size} {config.fit} {versions}".encode(), digest_size=16)
    for file in DECODERS:
        program.update(Path(__file__).with_name(file).read_bytes())
    start, files = program.digest(), listing.folder.files
    return [
        hashlib.blake2b(
            f"{file}\0{files[file]}".encode(errors="surrogateescape"), key=start, digest_size=16
        ).hexdigest()
        for file in listing.samples["file"]
    ]


def _samples(listing: Listing, ids: Sequence[str], patients: Sequence[str]) -> pd.DataFrame:
    """The study's table: salted ids in place of names."""
    table = listing.samples
    named = {"id": ids, "patient": salted(patients, "p")}
    facts = {name: table[name] for name in (*COLUMNS[2:], "row")}
    more = [name for name in table if name not in FACTS]
    return pd.DataFrame({**named, **facts, **{name: table[name] for name in more}})


def _about(listing: Listing, config: ImportConfig, plan: str, ids: dict[str, str]) -> About:
    notes = [*listing.notes]
    if (listing.samples[[PREFIX + name for name in listing.findings]] == -1).any(axis=None):
        notes.append(f"Policy {config.uncertain}: {UNCERTAIN[config.uncertain]}.")
    if config.patients == "each-image" and _unnamed(listing.samples).any():
        notes.append("Patients are not known: every radiograph counts as another person's, as was asked for.")
    if listing.folder.closed:
        notes.append(f"Folders that may not be entered, and were left out: {listing.folder.closed}.")
    notes.append(_split_note(listing, config))
    aside = listing.set_aside
    boxes = listing.boxes.assign(id=listing.boxes["file"].map(ids)).dropna(subset=["id"]).drop(columns="file")
    return About(
        source=config.source,
        title=listing.title,
        notes=notes,
        uncertain=config.uncertain,
        fit=config.fit,
        plan=plan,
        set_aside=pd.DataFrame({"row": aside["row"], "file": salted(aside["file"], "r"), "reason": aside["reason"]}),
        boxes=boxes,
    )


def _split_note(listing: Listing, config: ImportConfig) -> str:
    given = set(listing.samples["split"])
    how = f"by patient, stratified over findings, seed {config.seed}"
    if config.split == "seeded" or given == {""}:
        return f"Split {how}: validation {config.val_fraction:.0%}, test {config.test_fraction:.0%}."
    if BOTH in given or ("val" not in given and "train" in given):
        return f"Test as given; validation is {config.val_fraction:.0%} of the given training split, cut {how}."
    return "Splits as given."
