"""``torchrun ... -m tests.one_of_many FOLDER``: trains towers for some steps, and leaves what each process has then."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from core.config.objective import ObjectiveConfig
from core.encoders import as_pixels
from core.features import _in_batches
from core.parallel import joined, leave, together, world
from core.training import Trainer
from core.tuning import learned_state
from tests.small_towers import calm_encoder
from tests.test_tuning import pixels, trainer

ALL = ObjectiveConfig(contrastive=1.0, orthogonal=0.5, supervised=0.5, alignment=0.2)


def begun(folder: Path, piece: int = 0) -> Trainer:
    """Both towers learn through a projection head, on changed and mixed images."""
    made = trainer(folder, calm_encoder(), "projection", ALL, image="everything", text="everything", learning_rate=0.01)
    for part in made.head.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0  # processes draw for their towers in between, so that masks are others than with one process
    split = replace(made.data.train, images=replace(made.data.train.images, piece=piece))  # type: ignore[type-var]
    made.data = replace(made.data, train=split, texts=replace(made.data.texts, piece=piece))  # type: ignore[type-var]
    made.config = made.config.replace(clip_norm=1e6, batch_size=7)  # 7 rows cannot be shared equally
    made.steps_per_epoch, made.total_steps = 3, 12
    return made


def after(made: Trainer, steps: int) -> dict[str, Tensor]:
    """Gradients (of the first step), weights and losses after some steps, and features of all images."""
    found: dict[str, Tensor] = {}
    for number, step in zip(range(steps), made.steps(), strict=False):
        if not number:
            parts = {"head": made.head, **made.tuning.towers}
            for name, part in parts.items():
                for key, one in part.named_parameters():
                    if one.grad is not None:
                        found[f"gradient {name}.{key}"] = one.grad.clone()
        found[f"loss {number}"] = torch.tensor(step.loss)
        found[f"norm {number}"] = torch.tensor(step.gradient_norm)
    found |= {f"weight {name}": value.clone() for name, value in learned_state(made.head, made.tuning).items()}
    images, device = calm_encoder(), torch.device("cpu")
    features = _in_batches(images, len(pixels()), lambda part: as_pixels(pixels()[part], device), None)
    return {**found, "features": torch.from_numpy(features)}


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    with joined():
        save_file(after(begun(folder), 4), folder / f"{world().rank}.safetensors")
        together()
        leave()
