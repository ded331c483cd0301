"""Sources: each reads a folder of its own layout into a Listing."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module

from core.config.importing import ImportConfig, Source
from core.studies.folder import Folder
from core.studies.listing import Listing
from core.studies.tables import SUFFIXES as TABLES

_SIGNS: tuple[tuple[Source, str], ...] = (
    ("nih", r"Data_Entry_2017[^/]*\.csv"),
    ("mimic", r"(.*/)?mimic-cxr-2[^/]*\.csv(\.gz)?"),
    ("padchest", r"(.*/)?PADCHEST_[^/]*\.csv(\.gz)?"),
    ("rsna", r"(.*/)?stage_2_train_(labels\.csv(\.zip)?|images/[^/]+)"),
    ("chexpert", r"(.*/)?(CheXpert[^/]*/.*|patient\d+/study\d+/.*)"),
    ("vindr", r"(.*/)?(annotations_train\.csv|image_labels_train\.csv|[0-9a-f]{32}\.(dicom|png|jpg))"),
    ("openi", r"(.*/)?CXR\d+_IM-[^/]+"),
    ("roco", r"(.*/)?(captions\.txt|[^/]*_captions\.csv)"),
)
"""A file by which each layout is known; any other folder is taken for one with a table."""


def guess(folder: Folder) -> Source:
    """The source that a folder looks like."""
    for source, sign in _SIGNS:
        known = re.compile(sign)
        if any(known.fullmatch(name) for name in folder.files):
            return source
    return "table" if folder.having(*TABLES) or not folder.having(".dcm", ".dicom") else "dicom"


def read_source(config: ImportConfig, folder: Folder) -> Listing:
    """List a folder by its source's rules.

    Raises:
        StudyError: the folder is not in that layout; says what is missing.
    """
    module = import_module(f"core.studies.sources.{config.source}")  # one of nine names: the config checked it
    read: Callable[[ImportConfig, Folder], Listing] = module.read
    return read(config, folder)
