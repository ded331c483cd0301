"""Where radiographs may be read from: whoever uses the page must not reach every file that the program can."""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import StudyError
from core.workspace import home

SYSTEM = ("bin", "boot", "dev", "etc", "lib", "lib64", "proc", "root", "run", "sbin", "sys", "usr")
"""Folders at the root of a machine that hold no radiographs."""


def data_roots() -> list[Path]:
    """Where the page may read: the folders of ``$FLUOROSCOPE_DATA`` (``:`` between), else ``data/`` in the workspace.

    Links in this list are the owner's own and are followed.
    """
    given = [part for part in os.environ.get("FLUOROSCOPE_DATA", "").split(os.pathsep) if part.strip()]
    return [Path(part).expanduser().resolve() for part in given] or [(home() / "data").resolve()]


def allowed_folder(path: str) -> Path:
    """A folder that the page may read from, resolved.

    Raises:
        StudyError: it lies outside the configured roots, or is no folder.
    """
    folder, roots = Path(path).expanduser().resolve(), data_roots()
    if not any(folder.is_relative_to(root) for root in roots):
        raise StudyError(
            "This folder lies outside those that the page may read. Start the app with FLUOROSCOPE_DATA set to the "
            "folder of your datasets (several: separated by ':'), put a copy under data/ in the workspace, or import "
            "it on the command line (`python -m scripts.study import`)."
        )
    if not folder.is_dir():
        raise StudyError("There is no such folder; give one that exists on this machine.")
    return folder


def refuse_system_folder(path: str) -> None:
    """The command line's rule: the roots where some are configured, and never a folder of the system or a whole home.

    Raises:
        StudyError: it is such a folder.
    """
    if os.environ.get("FLUOROSCOPE_DATA", "").strip():
        allowed_folder(path)
        return
    folder = Path(path).expanduser().resolve()
    of_system = len(folder.parts) < 2 or (folder.parts[1] in SYSTEM and not _below_own_home(folder))
    if of_system or folder == Path.home() or folder.parent == Path.home().parent:
        raise StudyError(
            "This is a folder of the system, or somebody's home, and no dataset. Give the folder that holds the "
            "radiographs; to import from an unusual place, set FLUOROSCOPE_DATA to it."
        )


def _below_own_home(folder: Path) -> bool:
    return folder.is_relative_to(Path.home()) and folder != Path.home()
