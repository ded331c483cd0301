"""Where a run looks, asked of a process that stays warm; maps of diseases are kept, so a second look is instant.

The files in between lie in ``runs/<id>/attention/``, see :mod:`core.asking.warm`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, get_args

from core.asking.warm import Warm, checked, idle_seconds
from core.attention.maps import Look, Method, Saliency
from core.errors import ArtefactError, ConfigError, FluoroscopeError, RunError

FORM = 1
"""Maps that were made otherwise have another number."""


@dataclass(frozen=True)
class Looked(Warm):
    """``runs/<id>/attention``: maps that are wanted, those that are made, and the process that makes them."""

    kind: ClassVar[str] = "attention"
    loads: ClassVar[str] = "the image tower"

    def arguments(self) -> list[str]:
        return ["-m", "scripts.worker", "look", f"{self.run.id}/{self.kind}"]

    def look(self, sample: str, *, finding: str = "", text: str = "", method: Method = "gradient") -> Look:
        """A map of a radiograph by its id, and of a disease or of typed words.

        Raises:
            ConfigError: neither disease nor words, or both; too many words; no such method.
            RunError: the run is not trained yet.
        """
        if bool(finding) == bool(text.strip()):
            raise ConfigError("Say what to look for: a disease of the study, or some words; one of the two.")
        if method not in get_args(Method):
            raise ConfigError(f"The method is {method!r}; it must be one of {', '.join(get_args(Method))}.")
        words, weights = (checked(text) if text else ""), self.weights()
        said = json.dumps([FORM, weights, sample, finding, words, method])
        name = hashlib.sha256(said.encode()).hexdigest()[:32]
        return Look(name, sample, finding, words, method, weights)

    def ask(self, look: Look) -> None:
        """Ask for a map; where no process is at work, one is started.

        Raises:
            RunError: the run has no embeddings yet; or the process did not start.
        """
        if not self.run.has("embed"):
            raise RunError(f"Run {self.run.id[:8]} has no embeddings yet: it can be asked where it looks when it has.")
        self.try_again(look.name)
        if self.kept(look.name) is None:
            told = asdict(look)
            self.pose(told.pop("name"), told)

    def answer(self, look: Look) -> Saliency | None:
        """The map; None where it is not there yet, or was never asked for.

        Raises:
            RunError: there will be none; says why. To ask again is to try again.
        """
        found = self.kept(look.name)
        if found is None:
            self.see_to(look.name)
        return found

    def kept(self, name: str) -> Saliency | None:
        """A map that is there; a damaged one counts as none: it is made again."""
        if not self.stem(name).with_suffix(".json").exists():
            return None
        try:
            return Saliency.load(self.stem(name))
        except ArtefactError:
            return None

    def keep(self, look: Look, found: Saliency) -> None:
        """Keep a map, and forget the words."""
        of: dict[str, Any] = {"sample": look.sample, "finding": look.finding or None, "method": look.method}
        found.save(self.stem(look.name), {"run": self.run.id, "learned": look.weights, **of})
        self.forget(look.name)

    def waiting(self) -> list[Look]:
        return [Look(name, **data) for name, data in self._posed()]

    def answerer(self) -> Callable[[Look], None]:
        """Load the run's image side.

        Raises:
            WeightsMissing, ArtefactError, StudyError: it cannot be loaded.
        """
        from core.attention.image_side import ImageSide

        side = ImageSide.load(self.run)

        def answer(look: Look) -> None:
            try:
                self.keep(look, side.look(look))
            except FluoroscopeError as error:  # of this question: the next one may have an answer
                self.refuse(look.name, str(error))

        return answer

    def carry_out(self) -> None:
        """Answer until nobody asks, in a process of its own.

        Raises:
            FluoroscopeError: the image side cannot be loaded; what waited is refused with the reason.
        """
        from core.asking.service import serve
        from core.attention.image_side import one_thread
        from core.work import StopRequest

        one_thread()
        serve(self, idle_seconds(), StopRequest())
