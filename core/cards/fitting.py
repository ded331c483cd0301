"""A checked model put into real towers: whether it fits, and whether they are the towers that it was made with."""

from __future__ import annotations

import torch
from safetensors.torch import load_file
from torch import Tensor

from core.cards.folder import WEIGHTS, refuse
from core.cards.reading import Model
from core.config.encoders import EncoderConfig
from core.encoders import Encoder, load_encoder
from core.errors import ConfigError, InputError
from core.heads import Head, build_head
from core.towers.base import Tower
from core.tuning import Tuning, load_learned


def check_frozen(model: Model, encoder: Encoder) -> None:
    """Whether towers that did not learn are those of the model, asked before they see a radiograph.

    Raises:
        ArtefactError: other weights.
    """
    tuning, wanted = model.config.tuning, model.config.weights
    for name, what, own, said in (
        ("image", tuning.image, encoder.image_weights, wanted.image),
        ("text", tuning.text, encoder.text_weights, wanted.text),
    ):
        if what == "nothing" and own != said:
            _other_tower(name, own, said)


def load_model(model: Model, encoder: Encoder, head: Head, tuning: Tuning) -> None:
    """Put what a model has learned into a head and towers of the same form.

    Raises:
        ArtefactError: it does not fit, or gives towers with other weights than the model had.
    """
    state: dict[str, Tensor] = load_file(model.folder / WEIGHTS)
    try:
        load_learned(head, tuning, state)
    except (RuntimeError, ConfigError) as error:
        first = (str(error).strip().splitlines() or [""])[-1].strip()[:300]
        refuse(f"its {WEIGHTS} does not fit the towers that its config.json names ({first})")
    tuning.eval()
    encoder.fingerprint_towers()
    wanted = model.config.weights
    for name, own, said in (
        ("image", encoder.image_weights, wanted.image),
        ("text", encoder.text_weights, wanted.text),
    ):
        if own != said:
            _other_tower(name, own, said)


def check_fits(model: Model, config: EncoderConfig) -> None:
    """Build the model once, on the CPU, and let it go again.

    Raises:
        ArtefactError: it does not fit its towers.
        WeightsMissing: these are not on this machine.
    """
    try:
        encoder = load_encoder(config, torch.device("cpu"))
    except (RuntimeError, ValueError, KeyError, OSError) as error:
        if isinstance(error, InputError):
            raise
        refuse(f"the towers of {config.key!r} cannot be built ({str(error).strip()[:200]})")
    check_frozen(model, encoder)
    towers: dict[str, Tower] = {"image": encoder.image, "text": encoder.text}
    own = model.config
    head = build_head(
        own.head,
        image_width=encoder.image_width,
        prompts=torch.zeros(len(model.labels), encoder.text_width),
        temperature=1.0,
        learn_temperature=False,
        classes=3 if own.objective.classification_form == "three-class" else 2,
    )
    load_model(model, encoder, head, Tuning(towers, own.tuning, own.seed))


def _other_tower(name: str, own: str, said: str) -> None:
    refuse(
        f"the {name} tower on this machine has other weights ({own[:8]}…) than the one that the model was made with "
        f"({said[:8]}…), so it would give other vectors",
        "Bring the weights that the card names, in the versions of the packages that it names; from a folder: "
        "--encoder FOLDER.",
    )
