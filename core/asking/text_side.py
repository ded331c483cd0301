"""What a run makes of words: its text tower and its head, without its image tower and without its study's pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from core.config.run import RunConfig
from core.embedding import prompt_features
from core.encoders import TextEncoder, load_text_encoder
from core.heads import Head, build_head
from core.pipeline import learned_weights
from core.runs import Run
from core.studies.study import Study
from core.tuning import TOWERS, Tuning, load_learned


@dataclass(frozen=True, kw_only=True)
class TextSide:
    """The text side of a run.

    Attributes:
        encoder: its text tower, with what that has learned.
        head: in evaluation mode.
        prompts: (K, text_width) features of the disease prompts.
    """

    encoder: TextEncoder
    head: Head
    prompts: Tensor

    @classmethod
    def load(cls, run: Run) -> Self:
        """Load it onto the CPU, which is enough for a sentence: no accelerator is taken from a run.

        Raises:
            WeightsMissing: the text tower is not on this machine.
            ArtefactError: the run is not trained yet, or its weights are torn or altered.
            StudyError: its study is gone, or is another one.
        """
        config = run.config
        study = Study.load(config.study).asked_for(config.findings)
        run.check_is_of(study)
        encoder = load_text_encoder(config.encoder, torch.device("cpu"))
        state = {name: value for name, value in learned_weights(run).items() if not name.startswith(f"{TOWERS}image.")}
        head = bare_head(config, state, diseases=len(study.findings), text_width=encoder.text_width)
        tuning = Tuning({"text": encoder.text}, config.tuning, config.seed)
        load_learned(head, tuning, state)
        tuning.eval()
        encoder.fingerprint_towers()
        prompts = prompt_features(encoder, config.prompts, study.findings).positive
        return cls(encoder=encoder, head=head.eval(), prompts=prompts)

    @torch.no_grad()
    def embed(self, text: str) -> NDArray[np.float32]:
        """The vector (d,) of a text, of norm 1; nothing of it is kept."""
        features = torch.from_numpy(self.encoder.embed_texts([text]))
        return F.normalize(self.head.query(features, self.prompts).float(), dim=-1)[0].numpy()


def bare_head(config: RunConfig, state: Mapping[str, Tensor], *, diseases: int, text_width: int) -> Head:
    """A head of the form that a run's learned weights fit, before they are loaded into it.

    Args:
        config: of the run.
        state: its learned weights.
        diseases: how many prompts it knows.
        text_width: dimension of the text tower's features.
    """
    return build_head(
        config.head,
        image_width=len(state["mean"]),
        prompts=torch.zeros(diseases, text_width),  # their number counts: the weights are loaded
        temperature=1.0,
        learn_temperature=False,
        classes=3 if config.objective.classification_form == "three-class" else 2,
    )
