"""Words that somebody looks for, and the vectors that a run makes of them, through a process that stays warm.

The files in between lie in ``runs/<id>/asking/``, see :mod:`core.asking.warm`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from core.asking.warm import Warm, checked
from core.errors import ArtefactError
from core.store import EmbeddingSet


@dataclass(frozen=True)
class Question:
    """Words that wait for their vector.

    Attributes:
        name: hash of weights and words.
        text: the words.
        weights: of the run, when it was asked.
    """

    name: str
    text: str
    weights: str


@dataclass(frozen=True)
class Asked(Warm):
    """``runs/<id>/asking``: questions, answers, and the process that answers."""

    kind: ClassVar[str] = "asking"
    loads: ClassVar[str] = "the text tower"

    def arguments(self) -> list[str]:
        return ["-m", "scripts.answer", self.run.id]

    def name(self, text: str) -> str:
        """What a question of these words is called.

        Raises:
            ConfigError: no words, or too many.
            RunError: the run is not trained yet.
        """
        return hashlib.sha256(json.dumps([self.weights(), checked(text)]).encode()).hexdigest()[:32]

    def ask(self, text: str) -> str:
        """Ask for the vector of some words; where no process is at work, one is started.

        Returns:
            The question's name, for :meth:`answer`.

        Raises:
            ConfigError, RunError: see :meth:`name`; or the process did not start.
        """
        name = self.name(text)
        self.try_again(name)
        if self._answered(name) is None:
            self.pose(name, {"text": checked(text), "weights": self.weights()})
        return name

    def answer(self, name: str) -> NDArray[np.float32] | None:
        """The vector (d,) of norm 1; None where it is not there yet, or was never asked for.

        Raises:
            RunError: there will be none; says why. To ask again is to try again.
        """
        found = self._answered(name)
        if found is None:
            self.see_to(name)
        return found

    def waiting(self) -> list[Question]:
        """The questions that wait, for the process."""
        return [Question(name, str(data["text"]), str(data["weights"])) for name, data in self._posed()]

    def answerer(self) -> Callable[[Question], None]:
        """Load the run's text side.

        Raises:
            WeightsMissing, ArtefactError, StudyError: it cannot be loaded.
        """
        from core.asking.text_side import TextSide

        side = TextSide.load(self.run)
        return lambda question: self.give(question, side.embed(question.text))

    def give(self, question: Question, vector: NDArray[np.float32]) -> None:
        """Keep an answer, (d,) of norm 1, and forget the words."""
        made_by: dict[str, Any] = {"run": self.run.id, "learned": question.weights}
        answer = EmbeddingSet(ids=[question.name], vectors=vector[None], modality="text", made_by=made_by)
        answer.save(self.stem(question.name))
        self.forget(question.name)

    def _answered(self, name: str) -> NDArray[np.float32] | None:
        """A damaged answer counts as none: it is made again."""
        if not self.stem(name).with_suffix(".json").exists():
            return None
        try:
            return EmbeddingSet.load(self.stem(name)).vectors[0]
        except ArtefactError:
            return None
