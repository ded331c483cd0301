"""What lies in somebody's folders; it is looked up again after half a minute."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.cards.folder import CONFIG, MANIFEST, MOST_BYTES, THRESHOLDS
from core.cards.reading import Model, read_model
from core.config.importing import MappingConfig, Source
from core.studies.folder import Folder
from core.studies.mapping import open_table, propose
from core.studies.sources import guess
from core.studies.tables import ROW
from core.vectors.formats import READERS
from core.vectors.reading import SUFFIXES
from dashboard.cached.stamps import Stamp, stamp


@st.cache_resource(ttl=30, max_entries=2, show_spinner="Looking into the folder …")
def folder(path: Path) -> Folder:
    """What lies in a folder of radiographs, as it was half a minute ago at most."""
    return Folder.read(path)


@st.cache_resource(ttl=30, max_entries=8, show_spinner=False)
def subfolders(root: Path, most: int = 200) -> list[Path]:
    """The folders in a root, two levels deep, then the root; folders of pictures alone are not worth a line."""
    if not root.is_dir():
        return []
    inside = sorted(path for pattern in ("*", "*/*") for path in root.glob(pattern) if _offered(path))
    return [*[path for path in inside if path.resolve().is_relative_to(root)][: most - 1], root]


def _offered(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".") and not path.name.lower().startswith("images")


@st.cache_resource(ttl=30, max_entries=8, show_spinner=False)
def embedding_files(root: Path, most: int = 200) -> list[Path]:
    """The files in a root, up to three levels deep, that may hold embeddings, tables last; no links out of it."""
    if not root.is_dir():
        return []
    inside = sorted(path for pattern in ("*", "*/*", "*/*/*") for path in root.glob(pattern))
    wanted = [path for path in inside if path.suffix.lower() in SUFFIXES and path.suffix.lower() != ".txt"]
    found = [path for path in wanted if path.is_file() and path.resolve().is_relative_to(root)]
    return sorted(found, key=lambda path: path.suffix.lower() not in READERS)[:most]


@st.cache_resource(ttl=30, max_entries=8, show_spinner=False)
def model_folders(root: Path, most: int = 200) -> list[Path]:
    """The folders in a root, up to three levels deep, that look like model folders; no links out of it."""
    if not root.is_dir():
        return []
    found = sorted(path.parent for depth in ("*", "*/*", "*/*/*") for path in root.glob(f"{depth}/{MANIFEST}"))
    looks_so = [path for path in found if (path / CONFIG).is_file() and (path / THRESHOLDS).is_file()]
    return [path for path in looks_so if path.resolve().is_relative_to(root)][:most]


def model(path: Path) -> Model:
    """A model folder whose every file was checked."""
    return _model(tuple(stamp(path / name) for name in (MANIFEST, *MOST_BYTES)), path)


@st.cache_resource(max_entries=4, show_spinner="Checking the model folder …")
def _model(key: tuple[Stamp, ...], _path: Path) -> Model:
    return read_model(_path)


def proposal(path: Path, table: str) -> tuple[list[str], MappingConfig, int]:
    """The columns of a table, a proposal what they mean, and its rows."""
    return _proposal(stamp(path / table), path, table)


@st.cache_resource(max_entries=8, show_spinner="Reading the table …")
def _proposal(key: Stamp, _path: Path, _table: str) -> tuple[list[str], MappingConfig, int]:
    there = folder(_path)
    name, rows = open_table(there, _table)
    return [column for column in rows if column != ROW], propose(there, rows, name), len(rows)


@st.cache_resource(ttl=30, max_entries=8, show_spinner=False)
def guessed(path: Path) -> Source:
    """The source that a folder looks like."""
    return guess(folder(path))
