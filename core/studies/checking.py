"""Is a study what it says it is? Every file, pixel, label, patient and split is looked at again."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from filelock import Timeout

from core.config.importing import ImportConfig
from core.errors import ArtefactError, StudyError
from core.files import verify, write_json
from core.studies.folder import Folder
from core.studies.manifest import fingerprint, read_hashes, split_hash
from core.studies.pixels import IMAGES
from core.studies.pool import pixel_hash
from core.studies.sources import read_source
from core.studies.study import Study, check_leaks
from core.studies.writing import writing_lock
from core.workspace import salted


@dataclass
class Report:
    """What was looked at, in lines for a terminal, and whether all of it was in order."""

    lines: list[str] = field(default_factory=list)
    sound: bool = True

    def note(self, what: str, fault: str = "") -> None:
        self.lines.append(f"{'FAULT' if fault else 'ok   '}  {what}{': ' + fault if fault else ''}")
        self.sound = self.sound and not fault


def verify_study(name: str) -> Report:
    """Verify the SHA-256 of each file, the hash of each picture, fingerprint and split hash, and look for leaks.

    A study that is not sound loses its plan: the next import of its folder makes what was damaged again.

    Raises:
        StudyError: there is no such study, or it is of another form.
    """
    study = Study.load(name)
    report = _looked_at(study)
    if not report.sound:
        _mark(study)
    return report


def _mark(study: Study) -> None:
    """Take the plan from a study's manifest; one that is being imported anew meanwhile is left alone."""
    with contextlib.suppress(Timeout), writing_lock(study.name, timeout=0):
        now = Study.load(study.name).manifest
        if now["fingerprint"] == study.fingerprint:
            write_json(study.folder / "study.json", {**now, "plan": ""})


def _looked_at(study: Study) -> Report:
    report = Report()
    for file, expected in study.manifest["files"].items():
        if file != IMAGES:
            report.note(file, _fault(study.folder / file, expected))
    if not report.sound:
        return report
    held = read_hashes(study.folder)
    pixels = [own for _, own in held]
    wrong = [row for row, own in enumerate(pixels) if pixel_hash(study.images[row]) != own]
    ids = study.samples["id"]
    first = ", ".join(f"{ids[row]} (row {row})" for row in wrong[:5])
    report.note(f"{IMAGES}: {len(pixels):,} pictures", f"{len(wrong)} were altered, first {first}" if wrong else "")
    policy, size = study.uncertain, study.manifest["size"]
    same = fingerprint(study.samples, pixels, size, study.findings, policy) == study.fingerprint
    report.note("fingerprint", "" if same else "the table does not fit it")
    report.note("split hash", "" if split_hash(study.samples) == study.split_hash else "patients moved between splits")
    try:
        check_leaks(study.samples, pixels)
        report.note(f"splits: {study.manifest['patients']:,} patients, none and no picture in two splits")
    except StudyError as error:
        report.note("splits", str(error))
    return report


def _fault(path: Path, expected: dict[str, object]) -> str:
    try:
        verify(path, expected)
    except ArtefactError as error:
        return str(error)
    return ""


def find_files(config: ImportConfig, ids: Sequence[str]) -> dict[str, str | None]:
    """Which files of an import's folder some salted ids stand for: names are salted anew, none were kept.

    Returns:
        the path relative to the import's folder for each id, None where no file has it.
    """
    listing = read_source(config, Folder.read(Path(config.path)))
    names = [*listing.samples["file"], *listing.set_aside["file"]]
    found = dict(zip(salted(names, "r"), names, strict=True))
    return {one: found.get(one) for one in ids}
