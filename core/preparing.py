"""What a run needs before it trains or embeds: its study, its towers, and what frozen towers make of the study."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.cards.fitting import check_frozen
from core.cards.keeping import is_model, kept
from core.config.run import RunConfig
from core.devices import best_device, describe
from core.embedding import (
    Captions,
    Features,
    PromptFeatures,
    caption_features,
    distinct_captions,
    prompt_features,
    prompt_texts,
)
from core.encoders import Encoder, load_encoder
from core.features import fresh_image_features, image_features, view_features
from core.feeds import CachedImages, CachedTexts, Images, LiveImages, LiveTexts, Texts
from core.heads import Head, build_head
from core.inputs import Split, TrainingData
from core.losses.base import Situation
from core.losses.objective import Objective
from core.metrics.results import to_json
from core.studies.hierarchy import path_similarity
from core.studies.study import Progress, Study
from core.towers.base import Tower
from core.training import seed_everything
from core.tuning import Tuning

SAMPLE = 1024
"""So many radiographs tell a head the mean and deviation of features that are not cached."""

T = TypeVar("T", bound=Tower)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """Study and towers of a run.

    Attributes:
        encoder: its towers change where the run lets them learn.
    """

    config: RunConfig
    study: Study
    encoder: Encoder
    progress: Progress | None

    @cached_property
    def captions(self) -> Captions:
        return distinct_captions(self.study, self.encoder.device)

    @cached_property
    def images(self) -> NDArray[np.float32]:
        """(N, image_width) of the image tower as it was loaded; it sees each radiograph once, ever."""
        return image_features(self.encoder, self.study, self.progress)

    @cached_property
    def prompts(self) -> PromptFeatures:
        """Of the text tower as it was loaded."""
        return prompt_features(self.encoder, self.config.prompts, self.study.findings)

    @cached_property
    def caption_features(self) -> Tensor:
        """(c, text_width) of the text tower as it was loaded."""
        return caption_features(self.encoder, self.captions)

    @cached_property
    def tuning(self) -> Tuning:
        """What of the towers learns; from here on their weights may change."""
        towers: dict[str, Tower] = {"image": self.encoder.image, "text": self.encoder.text}
        return Tuning(towers, self.config.tuning, self.config.seed)

    def rows(self, split: str) -> Tensor:
        return torch.from_numpy(self.study.rows(split)).to(self.encoder.device)


def prepare(config: RunConfig, study: Study, progress: Progress | None) -> Prepared:
    """Load the towers; frozen ones look at the whole study now."""
    log.info("study %s: %d radiographs; encoder %s", study.name, len(study), config.encoder.key)
    encoder = load_encoder(config.encoder, best_device())
    log.info("device: %s, precision %s", describe(encoder.device), encoder.precision)
    if is_model(config.start_from):
        check_frozen(kept(config.start_from), encoder)
    ready = Prepared(config, study, encoder, progress)
    if config.tuning.image == "nothing":
        _ = ready.images
    if config.tuning.text == "nothing":
        _ = ready.caption_features
    _ = ready.prompts  # before the text tower may learn
    return ready


def new_head(ready: Prepared) -> Head:
    """The head as training begins, with the statistics of the training split."""
    config = ready.config
    seed_everything(config.seed)
    untouched = config.head.kind == "none" and not config.tuning.learns
    head = build_head(
        config.head,
        image_width=ready.encoder.image_width,
        prompts=ready.prompts.positive,
        temperature=1 / ready.encoder.logit_scale if untouched else config.objective.temperature,
        learn_temperature=config.objective.learn_temperature and not untouched,
        classes=3 if config.objective.classification_form == "three-class" else 2,
    ).to(ready.encoder.device)
    rows = ready.study.rows("train")
    if config.head.kind != "none" and len(rows):
        labels = torch.from_numpy(ready.study.labels[rows]).to(ready.encoder.device)
        head.fit_statistics(_sample(ready, rows).to(ready.encoder.device), labels)
    return head


def _sample(ready: Prepared, rows: NDArray[np.int64]) -> Tensor:
    """Features of the training split, or of a part of it where the image tower is not frozen."""
    if ready.config.tuning.image == "nothing":
        return torch.from_numpy(ready.images[rows])
    drawn = np.random.default_rng(0).permutation(rows)[:SAMPLE]
    parts = [
        ready.encoder.embed_images(ready.study.images[np.sort(own)])
        for own in np.array_split(drawn, len(drawn) // 32 + 1)
    ]
    return torch.from_numpy(np.concatenate(parts))


def training_data(ready: Prepared) -> TrainingData:
    """Train and validation, on the encoder's device."""
    nearness = path_similarity(ready.study.findings)
    return TrainingData(
        train=_split(ready, "train"),
        val=_split(ready, "val"),
        texts=_texts(ready),
        mixup=ready.config.augmentation.mixup,
        two_views="views" in ready.config.losses,
        nearness=None if nearness is None else torch.from_numpy(nearness).to(ready.encoder.device),
        precision=ready.config.training.precision,
    )


def _split(ready: Prepared, name: str) -> Split:
    rows, device, study = ready.study.rows(name), ready.encoder.device, ready.study
    return Split(
        images=_images(ready, name, rows),
        labels=torch.from_numpy(study.labels[rows]).to(device),
        stated=torch.from_numpy((study.stated if study.uncertain == "S3" else study.labels)[rows]).to(device),
        caption_of=ready.captions.of_sample[ready.rows(name)],
    )


def _images(ready: Prepared, name: str, rows: NDArray[np.int64]) -> Images:
    config, device = ready.config, ready.encoder.device
    if config.tuning.image != "nothing":
        return LiveImages(
            tower=_working(ready, ready.encoder.image),
            pixels=ready.study.images,
            rows=rows,
            device=device,
            augmentation=config.augmentation,
            seed=config.seed,
            piece=config.training.micro_batch,
        )
    features = torch.from_numpy(ready.images[rows]).to(device)
    if name != "train" or not config.augmentation.changes_pictures:
        return CachedImages(features)
    views = [_view(ready, rows, number) for number in range(config.augmentation.views)]
    return CachedImages(features, torch.stack(views).to(device))


def _view(ready: Prepared, rows: NDArray[np.int64], number: int) -> Tensor:
    config = ready.config
    log.info("view %d of %d", number + 1, config.augmentation.views)
    found = view_features(
        ready.encoder,
        ready.study,
        rows,
        config.augmentation,
        seed=config.seed,
        view=number,
        progress=ready.progress,
    )
    return torch.from_numpy(found)


def _texts(ready: Prepared) -> Texts:
    if ready.config.tuning.text == "nothing":
        return CachedTexts(ready.caption_features, ready.prompts.positive, ready.prompts.negative)
    templates, findings = ready.config.prompts, ready.study.findings
    return LiveTexts(
        tower=_working(ready, ready.encoder.text),
        written=ready.captions.distinct,
        positive=prompt_texts(templates.positive, findings),
        negative=prompt_texts(templates.negative, findings),
        device=ready.encoder.device,
        piece=ready.config.training.micro_batch,
    )


def _working(ready: Prepared, tower: T) -> T:
    """A tower as it works in training: the same weights, compiled where that is wanted."""
    return cast("T", torch.compile(tower)) if ready.config.training.compiled else tower


def learned_features(ready: Prepared, progress: Progress | None) -> Features:
    """What the towers make of the whole study now, after what they may have learned."""
    encoder, tuning = ready.encoder, ready.config.tuning
    encoder.fingerprint_towers()
    frozen = tuning.text == "nothing"
    return Features(
        images=ready.images if tuning.image == "nothing" else fresh_image_features(encoder, ready.study, progress),
        prompts=ready.prompts if frozen else prompt_features(encoder, ready.config.prompts, ready.study.findings),
        captions=ready.caption_features if frozen else caption_features(encoder, ready.captions),
    )


@torch.no_grad()
def references(head: Head, objective: Objective, data: TrainingData, batch_size: int) -> dict[str, Any]:
    """Chance level and floor (None where unknown) of each loss of this run, for the reference lines on its curves."""
    head.eval()
    output = head.images(data.train.images(torch.zeros(1, dtype=torch.int64, device=data.train.labels.device), None))
    situation = Situation(
        labels=data.train.labels,
        stated=data.train.stated,
        text_of=data.train.caption_of,
        batch=batch_size,
        width=output.embedding.shape[-1],
        tokens=output.tokens is not None,
    )
    return {name: to_json(reference) for name, reference in objective.references(situation).items()}
