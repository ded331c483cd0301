"""Sources: each reads a folder of its own layout into a Listing."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from core.config.importing import ImportConfig
from core.studies.folder import Folder
from core.studies.listing import Listing


def read_source(config: ImportConfig, folder: Folder) -> Listing:
    """List a folder by its source's rules.

    Raises:
        StudyError: the folder is not in that layout; says what is missing.
    """
    module = import_module(f"core.studies.sources.{config.source}")  # one of nine names: the config checked it
    read: Callable[[ImportConfig, Folder], Listing] = module.read
    return read(config, folder)
