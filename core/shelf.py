"""Small files beside work: another label, whether it is put away, and what it has saved, all read without torch."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from core.errors import ArtefactError, ConfigError
from core.files import read_json, write_json
from core.work import Work

MOST_IN_LABEL = 200


@dataclass(frozen=True)
class Shelved(Work):
    """Work that can be labelled anew and put away, also while it is at work: each is a file of its own."""

    def label(self) -> str:
        """The label that it was given since it was made; empty where it was given none."""
        try:
            return str(read_json(self.folder / "label.json")["label"])
        except (ArtefactError, KeyError, TypeError):
            return ""

    def rename(self, label: str) -> None:
        """Give it another label (its settings stay as they are); empty: the first one again.

        Raises:
            ConfigError: it is too long for a list.
        """
        words = " ".join(label.split())
        if len(words) > MOST_IN_LABEL:
            raise ConfigError(f"The label has {len(words)} characters; it may have {MOST_IN_LABEL}.")
        if words:
            write_json(self.folder / "label.json", {"label": words})
        else:
            (self.folder / "label.json").unlink(missing_ok=True)

    @property
    def archived(self) -> bool:
        """Whether it is left out of lists; nothing of it is deleted."""
        return (self.folder / "archived.json").is_file()

    def archive(self) -> None:
        """Leave it out of lists from now on."""
        write_json(self.folder / "archived.json", {"since": time.time()})

    def restore(self) -> None:
        """Bring it back into the lists."""
        (self.folder / "archived.json").unlink(missing_ok=True)


def last_checkpoint(folder: Path) -> int:
    """The step of the newest checkpoint whose files have the sizes that its manifest says; 0 where there is none.

    Their SHA-256 is looked at when a run resumes: it takes as long as reading them.
    """
    for path in sorted(folder.glob("step-*/manifest.json"), reverse=True):
        try:
            data = read_json(path)
            sizes = {name: int(stamp["bytes"]) for name, stamp in data["files"].items()}
            if all((path.parent / name).stat().st_size == size for name, size in sizes.items()):
                return int(data["step"])
        except (ArtefactError, AttributeError, KeyError, OSError, TypeError, ValueError):
            continue
    return 0
