"""Study: radiographs, text, findings, patients and splits in one memory-mapped form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.errors import ArtefactError, FluoroscopeError, StudyError
from core.files import read_json, verify
from core.studies.vocabulary import named_alike
from core.workspace import checked_slug, home

SPLITS = ("train", "val", "test")
PREFIX = "finding:"
COLUMNS = ("id", "patient", "split", "text", "age", "sex", "view")
FORM = 2
Progress = Callable[[int, int], None]

UNCERTAIN = {
    "S1": "uncertain findings count as present for Atelectasis and Edema, else as absent",
    "S2": "uncertain findings count as unknown",
    "S3": "uncertain findings are a class of their own (and unknown to what knows two classes)",
}
"""What may become of findings that are stated as uncertain."""
S1_PRESENT = ("Atelectasis", "Edema")


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
    def uncertain(self) -> str:
        """The policy for uncertain findings, see :data:`UNCERTAIN`."""
        return str(self.manifest["uncertain"])

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
        """One row per radiograph: id, patient, split, text, age, sex, view and ``finding:*`` as stated."""
        return self._table("samples.parquet")

    @cached_property
    def set_aside(self) -> pd.DataFrame:
        """What was not imported: ``row`` in the source's table, ``file`` (salted) and ``reason``."""
        return self._table("set_aside.parquet")

    @cached_property
    def boxes(self) -> pd.DataFrame:
        """Where findings were marked: ``id``, ``finding``; ``x``, ``y``, ``width``, ``height`` in shares of a side."""
        return self._table("boxes.parquet")

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What the study is made of, see :func:`core.studies.summary.summarise`."""
        path = self.folder / "summary.json"
        verify(path, self.manifest["files"][path.name])
        found: dict[str, Any] = read_json(path)
        return found

    def _table(self, file: str) -> pd.DataFrame:
        path = self.folder / file
        verify(path, self.manifest["files"][file])
        return pd.read_parquet(path)

    @cached_property
    def images(self) -> NDArray[np.uint8]:
        """uint8 (N, S, S), memory-mapped; bone is white."""
        images: NDArray[np.uint8] = np.load(self.folder / "images.npy", mmap_mode="r", allow_pickle=False)
        if len(images) != len(self):
            raise StudyError(f"Study {self.name!r} was imported anew meanwhile: open it again.")
        return images

    @cached_property
    def stated(self) -> NDArray[np.float32]:
        """float32 (N, K): 1 present, 0 absent, -1 uncertain, NaN unknown, as the source states it."""
        own = [str(name).removeprefix(PREFIX) for name in self.samples if str(name).startswith(PREFIX)]
        found = np.full((len(self), len(self.findings)), np.nan, np.float32)
        for column, finding in enumerate(self.findings):
            name = finding if finding in own else named_alike(finding, own)
            if name is not None:
                found[:, column] = self.samples[PREFIX + name].to_numpy(np.float32)
        return found

    @cached_property
    def labels(self) -> NDArray[np.float32]:
        """float32 (N, K): 1 present, 0 absent, NaN unknown; uncertain ones by the study's policy."""
        return settled(self.stated, self.findings, self.uncertain)

    @cached_property
    def places(self) -> dict[str, int]:
        """The row of each sample by its id: looked up, where going through all ids takes 90 ms for 112,120."""
        return {name: row for row, name in enumerate(self.samples["id"].tolist())}

    def asked_for(self, findings: Sequence[str]) -> Study:
        """The same study with other findings (none given: its own): those that it has, under this name or one that
        means the same, with their labels; the others unknown."""
        return Study(self.folder, {**self.manifest, "findings": list(findings)}) if findings else self

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


def settled(stated: NDArray[np.float32], findings: Sequence[str], policy: str) -> NDArray[np.float32]:
    """Stated labels (N, K) of 1, 0, -1 and NaN with -1 replaced by a policy's value (a key of :data:`UNCERTAIN`)."""
    if policy == "S1":
        value = np.array([1.0 if name in S1_PRESENT else 0.0 for name in findings], np.float32)
    else:
        value = np.full(len(findings), np.nan, np.float32)
    return np.where(stated == -1, value, stated).astype(np.float32)


def check_leaks(samples: pd.DataFrame, pixel_hashes: Sequence[str] | None = None) -> None:
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
            f"(first: {', '.join(twins['id'][:4])}). Remove the copies, or let the import set them aside "
            "(`--copies set-aside`)."
        )


def load_studies() -> list[Study]:
    """Every study that is whole; :func:`broken_studies` says what is wrong with the others."""
    return [found for found in _opened().values() if isinstance(found, Study)]


def broken_studies() -> dict[str, str]:
    """Why studies of this workspace cannot be opened, by name."""
    return {name: str(found) for name, found in _opened().items() if not isinstance(found, Study)}


def _opened() -> dict[str, Study | FluoroscopeError]:
    found: dict[str, Study | FluoroscopeError] = {}
    for name in study_names():
        try:
            found[name] = Study.load(name)
        except (StudyError, ArtefactError) as error:
            found[name] = error
    return found
