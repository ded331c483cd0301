"""Where radiographs may be read from: whoever uses the page must not reach every file that the program can."""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import StudyError
from core.studies.folder import resolved
from core.workspace import home

SYSTEM = (
    *("bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "lost+found", "proc", "root", "run", "sbin"),
    *("sys", "usr", "applications", "cores", "library", "system"),
)
"""Folders at the root of a machine, Linux or macOS, that hold no radiographs."""

OF_VAR = ("backups", "cache", "db", "lib", "lock", "log", "mail", "root", "run", "spool", "vm")
"""The same, of those in ``/var``."""

HOMES = ("home", "users")
"""Folders whose folders are homes, beside the one in which our user's own home lies."""


def data_roots() -> list[Path]:
    """Where the page may read: the folders of ``$FLUOROSCOPE_DATA`` (``:`` between), else ``data/`` in the workspace.

    Links in this list are the owner's own and are followed.
    """
    given = [part for part in os.environ.get("FLUOROSCOPE_DATA", "").split(os.pathsep) if part.strip()]
    return [Path(part).expanduser().resolve() for part in given] or [(home() / "data").resolve()]


def allowed_folder(path: str) -> Path:
    """A folder that the page may read from, resolved.

    Raises:
        StudyError: it lies outside the configured roots (whether it exists is not said then), or is no folder.
    """
    try:
        folder = Path(path).expanduser().resolve()
    except (ValueError, RuntimeError, OSError):  # a zero byte, an unknown ~user, links in a circle
        return resolved(path)
    if not any(folder.is_relative_to(root) for root in data_roots()):
        raise StudyError(
            "This folder lies outside the configured roots. Start again with FLUOROSCOPE_DATA set to the folder of "
            f"your datasets (several: separated by {os.pathsep!r}), or put a copy under data/ in the workspace."
        )
    return resolved(path)


def refuse_system_folder(path: str) -> None:
    """The command line's rule: the roots where some are configured, and never a folder of the system or a whole home.

    Raises:
        StudyError: it is such a folder, or no folder.
    """
    if os.environ.get("FLUOROSCOPE_DATA", "").strip(f" {os.pathsep}"):
        allowed_folder(path)
        return
    folder = resolved(path)
    if _is_home(folder) or (_is_system(folder) and not _below_own_home(folder)):
        raise StudyError(
            "This is a folder of the system, or somebody's home, and no dataset. Give the folder that holds the "
            "radiographs; to import from an unusual place, set FLUOROSCOPE_DATA to it."
        )


def _parts(folder: Path) -> tuple[str, ...]:
    """Names from the machine's root on, in lower case; macOS keeps /etc, /tmp and /var in /private."""
    parts = tuple(part.lower() for part in folder.parts[1:])
    return parts[1:] if parts[:1] == ("private",) else parts


def _is_system(folder: Path) -> bool:
    parts = _parts(folder)
    return not parts or parts[0] in SYSTEM or parts == ("var",) or (parts[0] == "var" and parts[1] in OF_VAR)


def _below_own_home(folder: Path) -> bool:
    own = Path.home().resolve()
    return own != Path(own.anchor) and folder.is_relative_to(own)


def _is_home(folder: Path) -> bool:
    """A home, or a folder of homes."""
    own, parts = Path.home().resolve(), _parts(folder)
    beside = own.parent != Path(own.anchor) and folder.parent == own.parent  # root's home may lie beside /data
    return own.is_relative_to(folder) or beside or (parts[:1] != () and parts[0] in HOMES and len(parts) <= 2)
