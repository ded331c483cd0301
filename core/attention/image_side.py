"""What a run makes of a radiograph, with gradients: its image tower, its head, and what its scores are of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.asking.text_side import TextSide, bare_head
from core.attention.maps import Look, Saliency
from core.attention.saliency import Score, saliency
from core.encoders import as_pixels
from core.errors import ConfigError, InputError
from core.heads import Head
from core.pipeline import learned_weights
from core.runs import Run
from core.studies.study import Study
from core.towers.base import ImageTower
from core.towers.loading import load_image
from core.tuning import TOWERS, Tuning, load_learned


def one_thread() -> None:
    """Let this process compute on one core.

    One radiograph at a time gains little from a second one, and threads that wait for each other stand still while a
    training has the cores: on two busy cores a map took 5 s with two threads, and 0.2 s with one.
    """
    torch.set_num_threads(1)


@dataclass(kw_only=True)
class ImageSide:
    """The image side of a run, frozen, in evaluation mode, on the CPU.

    Attributes:
        run, study: whose.
        tower: with what it has learned.
        head: the run's own.
        prompts: (K, d) of the diseases, of norm 1, in the run's space.
        texts: the text side, loaded when the first typed text comes.
    """

    run: Run
    study: Study
    tower: ImageTower
    head: Head
    prompts: Tensor
    texts: TextSide | None = field(default=None, init=False)

    @classmethod
    def load(cls, run: Run) -> Self:
        """Load it onto the CPU, which is enough for one radiograph: no accelerator is taken from a run.

        Raises:
            WeightsMissing: the image tower is not on this machine.
            ArtefactError: the run is not trained or embedded yet, or its files are torn or altered.
            StudyError: its study is gone, or is another one.
        """
        config = run.config
        study = Study.load(config.study).asked_for(config.findings)
        run.check_is_of(study)
        tower = load_image(config.encoder).eval()
        state = {name: value for name, value in learned_weights(run).items() if not name.startswith(f"{TOWERS}text.")}
        text_width = run.embeddings("prompts-frozen").vectors.shape[1]
        head = bare_head(config, state, diseases=len(study.findings), text_width=text_width)
        tuning = Tuning({"image": tower}, config.tuning, config.seed)
        load_learned(head, tuning, state)
        tuning.eval()
        tower.requires_grad_(False)
        prompts = torch.from_numpy(run.embeddings("prompts").vectors)
        return cls(run=run, study=study, tower=tower, head=head.eval().requires_grad_(False), prompts=prompts)

    def look(self, look: Look) -> Saliency:
        """The map that was asked for.

        Raises:
            ConfigError: no such radiograph or disease, a tower that is not known, or a method that is not for it.
            InputError: a tower that cannot be watched.
            WeightsMissing: the text tower is not on this machine (typed text alone).
        """
        if look.sample not in self.study.places:
            raise ConfigError(f"Study {self.study.name!r} has no radiograph of this id: take one of its own.")
        picture = self.study.images[self.study.places[look.sample]]
        score, scored_by = self.text_score(look.text) if look.text else self.disease_score(look.finding)
        found = saliency(self.tower, score, as_pixels(picture[None], torch.device("cpu")), look.method)
        if not np.isfinite(found.values).all() or not np.isfinite(found.score):
            raise InputError("The map is not finite: the run's weights, or the radiograph, hold values out of range.")
        highest = float(found.values.max())
        return Saliency(
            values=(found.values / (highest or 1.0)).astype(np.float16),
            highest=highest,
            score=found.score,
            scored_by=scored_by,
            method=found.method,
            where=found.where,
        )

    def disease_score(self, finding: str) -> tuple[Score, str]:
        """The classifier's logit where the run has a classifier, else the cosine to the disease's prompt."""
        if finding not in self.study.findings:
            known = ", ".join(self.study.findings) or "none"
            raise ConfigError(f"Study {self.study.name!r} has no finding {finding!r}; it has: {known}.")
        at = self.study.findings.index(finding)
        if self.head.classifier:
            return lambda features: self._logit(features, at), "logit"
        return lambda features: self.head.images(features).embedding[0] @ self.prompts[at], "cosine to the prompt"

    def text_score(self, text: str) -> tuple[Score, str]:
        """The cosine to a typed text."""
        self.texts = self.texts or TextSide.load(self.run)
        vector = F.normalize(torch.from_numpy(self.texts.embed(text)), dim=-1)
        return lambda features: self.head.images(features).embedding[0] @ vector, "cosine to the text"

    def _logit(self, features: Tensor, at: int) -> Tensor:
        logits = self.head.images(features).logits
        assert logits is not None, "a head with a classifier gives logits"
        return logits[0, at]
