"""Imported sets: embeddings that come from a file, or from the orthogonal module trained on such a set."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core import jobs
from core.errors import ArtefactError, FluoroscopeError, InputError, RunBusy
from core.files import read_json, sha256, stamp, verify, write_json
from core.store import EmbeddingSet
from core.vectors.labels import checked_labels, named_labels
from core.vectors.reading import read_vectors
from core.workspace import checked_slug, home

CURVE = "metrics.jsonl"
"""One line per step of the training that made a set; only sets that were trained have it."""


@dataclass(frozen=True, kw_only=True)
class ImportedSet:
    """``embeddings/NAME``: ``vectors.safetensors``, ``vectors.json``, and ``set.json``, which is written last.

    Attributes:
        name: of the folder.
        embedding: float32 (K, d), rows of norm 1; its ids are the labels.
        manifest: ``origin`` (what it was made from), ``notices`` (what was changed), ``created``, ``files``.
    """

    name: str
    embedding: EmbeddingSet
    manifest: dict[str, Any]

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.embedding.ids)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what the set is: vectors, labels and origin."""
        return str(self.manifest["files"]["vectors.json"]["sha256"])

    @classmethod
    def save(cls, name: str, embedding: EmbeddingSet, notices: Sequence[str] = ()) -> Self:
        """Write a set; its origin is what ``embedding.made_by`` says.

        Raises:
            ConfigError: the name cannot name a set.
        """
        folder = folder_of(name)
        embedding.save(folder / "vectors")
        names = ["vectors.json", "vectors.safetensors", *([CURVE] if (folder / CURVE).is_file() else [])]
        manifest = {
            "name": name,
            "created": time.time(),
            "origin": embedding.made_by,
            "notices": list(notices),
            "count": len(embedding.vectors),
            "width": embedding.vectors.shape[1],
            "files": {one: stamp(folder / one) for one in names},
        }
        write_json(folder / "set.json", manifest)
        return cls(name=name, embedding=embedding, manifest=manifest)

    @classmethod
    def load(cls, name: str) -> Self:
        """Read what :meth:`save` wrote; every file is compared with the manifest.

        Raises:
            ArtefactError: absent, torn or altered.
        """
        folder = folder_of(name)
        if not (folder / "set.json").is_file():
            known = ", ".join(set_names()) or "none yet"
            raise ArtefactError(f"There is no set of embeddings {name!r}; there are: {known}.")
        manifest = read_json(folder / "set.json")
        if not isinstance(manifest, dict) or not {"origin", "notices", "files"} <= manifest.keys():
            raise ArtefactError(f"set.json of {name!r} is not of our form; remove the set and import it again.")
        for file, expected in manifest["files"].items():
            verify(folder / Path(file).name, expected)
        return cls(name=name, embedding=EmbeddingSet.load(folder / "vectors"), manifest=manifest)


def folder_of(name: str) -> Path:
    """Where a set lies.

    Raises:
        ConfigError: the name cannot name one.
    """
    return home() / "embeddings" / checked_slug(name, "set of embeddings")


def set_names() -> list[str]:
    """The finished sets of this workspace, the newest first."""
    found = [(path.stat().st_mtime_ns, path.parent.name) for path in (home() / "embeddings").glob("*/set.json")]
    return [name for _, name in sorted(found, reverse=True)]


def refuse_taken(name: str) -> None:
    """A set is never written over: others may name it as what they were made from.

    Raises:
        InputError: there is a finished set of that name.
    """
    if (folder_of(name) / "set.json").is_file():
        raise InputError(
            f"There is a set of embeddings {name!r} already: give another name, or remove it first "
            f"(python -m scripts.embeddings remove {name})."
        )


def remove_set(name: str) -> None:
    """Forget a set, or what is left of a start that did not finish.

    Raises:
        RunBusy: a process is at work on it.
        ArtefactError: there is none of that name.
    """
    folder = folder_of(name)
    if not folder.is_dir():
        raise ArtefactError(f"There is no set of embeddings {name!r}; there are: {', '.join(set_names()) or 'none'}.")
    if jobs.state(folder).busy:
        raise RunBusy(f"A process is at work on {name!r}; stop it first.")
    (folder / "set.json").unlink(missing_ok=True)  # first: half a folder is then no set
    shutil.rmtree(folder)


def import_embeddings(
    path: str | Path,
    name: str,
    *,
    labels: Sequence[str] | str = "",
    array: str = "",
    label_column: str = "",
) -> ImportedSet:
    """Make a set of the vectors in a file: checked, labelled, brought to norm 1.

    Args:
        path: .npy, .npz, .safetensors, .csv, .tsv, .parquet, .pt or .pth; nothing in it is executed.
        name: of the new set.
        labels: K names; or ``nih``, ``chexpert`` or a file of labels; empty: the file names its vectors.
        array: which array or tensor, where the file holds several.
        label_column: of a table, where several columns hold words.

    Raises:
        InputError, StudyError, ConfigError: the file, a row of it, a label or the name is not allowed; says which.
    """
    refuse_taken(name)
    source = Path(path).expanduser()
    found = read_vectors(source, array=array, label_column=label_column)
    if labels and found.labels is not None:
        raise InputError(
            f"The file names its {len(found.labels)} vectors itself ({', '.join(found.labels[:3])}, …), and labels "
            "were given as well: leave them away, so that no vector gets another one's name."
        )
    given = (named_labels(labels) if isinstance(labels, str) and labels else labels) or found.labels
    if given is None:
        raise InputError(
            f"The file has {len(found.vectors)} vectors and no labels: give a text file with one label a line, a JSON "
            "list, or nih or chexpert where they are these findings in that order (--labels)."
        )
    own = checked_labels(tuple(given), len(found.vectors))
    vectors, notices = unit_rows(found.vectors, own)
    origin = {
        "kind": "file",
        "format": source.suffix.lower(),
        "sha256": sha256(source),
        "labels": labels if labels in ("nih", "chexpert") else "given" if labels else "of the file",
        "shape": list(vectors.shape),
    }
    embedding = EmbeddingSet(ids=own, vectors=vectors, modality="prompt", made_by=origin)
    return ImportedSet.save(name, embedding, [*found.notices, *notices])


def unit_rows(vectors: NDArray[Any], labels: Sequence[str]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Rows (K, d) brought to norm 1, and a notice of the norms that they had.

    Raises:
        InputError: a number is not finite, or a row is zero; row (from 1), label and column are named.
    """
    wide = vectors.astype(np.float64)
    if len(bad := np.argwhere(~np.isfinite(wide))):
        row, column = (int(at) for at in bad[0])
        rows = len(np.unique(bad[:, 0]))
        raise InputError(
            f"Row {row + 1} ({labels[row]!r}), column {column + 1} is {wide[row, column]}: every number must be finite "
            f"({rows} of {len(wide)} rows have one that is not). Find out why before comparing these vectors."
        )
    largest = np.abs(wide).max(axis=1, keepdims=True)
    if len(zero := np.flatnonzero(largest[:, 0] == 0)):
        listed = ", ".join(f"{row + 1} ({labels[row]!r})" for row in zero[:5])
        raise InputError(f"Row {listed}: all zero, which is no direction. Leave it out, or embed the label again.")
    scaled = wide / largest  # so that the squares of very large and very small numbers stay numbers
    norms = np.linalg.norm(scaled, axis=1, keepdims=True)
    lengths = (norms * largest)[:, 0]
    notices: tuple[str, ...] = ()
    if np.abs(lengths - 1).max() > 1e-3:
        notices = (f"Norms were {lengths.min():.4g} to {lengths.max():.4g}: every vector was brought to norm 1.",)
    return (scaled / norms).astype(np.float32), notices


def readable_sets() -> tuple[list[ImportedSet], dict[str, str]]:
    """The sets that can be read, the newest first, and why others cannot."""
    found, broken = [], {}
    for name in set_names():
        try:
            found.append(ImportedSet.load(name))
        except FluoroscopeError as error:
            broken[name] = str(error)
    return found, broken
