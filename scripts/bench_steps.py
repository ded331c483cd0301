"""Training steps through a whole tower, as the trainer takes them, for the benchmark of a GPU."""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray

from core.config.augmentation import AugmentationConfig
from core.config.objective import ObjectiveConfig
from core.config.run import HeadConfig, TrainingConfig
from core.encoders import Encoder
from core.feeds import CachedTexts, LiveImages
from core.heads import build_head
from core.inputs import Split, TrainingData
from core.losses.objective import Objective
from core.training import Trainer
from core.tuning import Tuning

FINDINGS, STEPS = 14, 12


def training(
    encoder: Encoder, tuning: Tuning, images: NDArray[np.uint8], batch: int, piece: int
) -> tuple[float, float]:
    """Seconds of a step of the whole tower with augmentation, optimiser and log line; peak memory in GiB (NaN: CPU)."""
    device, count = encoder.device, len(images)
    labels = torch.rand(count, FINDINGS, device=device).round()
    feed = LiveImages(
        tower=encoder.image,
        pixels=images,
        rows=np.arange(count),
        device=device,
        augmentation=AugmentationConfig(rotation=5.0, crop=0.9),
        seed=0,
        piece=piece,
    )
    split = Split(images=feed, labels=labels, stated=labels, caption_of=torch.full((count,), -1, device=device))
    nobody = Split(images=feed, labels=labels[:0], stated=labels[:0], caption_of=labels[:0, 0].long())
    prompts = torch.nn.functional.normalize(torch.rand(FINDINGS, encoder.text_width, device=device), dim=-1)
    head = build_head(
        HeadConfig(kind="linear"),
        image_width=encoder.image_width,
        prompts=prompts,
        temperature=0.07,
        learn_temperature=False,
    ).to(device)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            head,
            Objective(ObjectiveConfig(classification=1.0)).to(device),
            TrainingData(train=split, val=nobody, texts=CachedTexts(prompts[:0], prompts, prompts)),
            TrainingConfig(epochs=STEPS, batch_size=batch),
            seed=0,
            folder=Path(folder),
            tuning=tuning,
        )
        return steps_of(trainer, device)


def steps_of(trainer: Trainer, device: torch.device) -> tuple[float, float]:
    steps = trainer.steps()
    list(islice(steps, 3))
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    taken = [len(trainer.data.train) / 2 / step.images_per_second for step in islice(steps, STEPS)]
    memory = torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else float("nan")
    return median(taken), memory
