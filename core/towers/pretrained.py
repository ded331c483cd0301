"""Models of transformers: from a hub, a folder, or from nothing. Code of a repository never runs."""

from __future__ import annotations

import os
from typing import Any

from core.config.encoders import HUB, LOCAL, RANDOM, TowerConfig
from core.towers.base import from_nothing
from core.towers.hub import go_offline_unless_hub_answers

Found = tuple[Any, list[str]]
"""A model, and the names of its parameters that the weights did not hold."""


def source(config: TowerConfig) -> str:
    """What transformers calls the model by: a folder, or a repository."""
    return config.name.removeprefix(LOCAL).removeprefix(HUB)


def quiet(config: TowerConfig) -> None:
    """No progress bars, and no report of what weights lack, which is looked at here; no hub where none is needed or
    answers; nobody is asked to convert weights."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    os.environ["DISABLE_SAFETENSORS_CONVERSION"] = "1"
    if not config.name.startswith(LOCAL):
        go_offline_unless_hub_answers()


def load_model(of: Any, tower: TowerConfig, **options: Any) -> Found:
    """A model in evaluation mode, float32.

    Args:
        of: its class, or one of transformers' ``Auto`` classes.
        options: for ``of.from_pretrained``.
    """
    import torch
    from transformers import AutoConfig

    if tower.pretrained == RANDOM:
        form = options.get("config") or AutoConfig.from_pretrained(source(tower), trust_remote_code=False)
        with from_nothing():
            made = of.from_config(form) if hasattr(of, "from_config") else of(form)
        return made.eval(), []
    model, told = of.from_pretrained(
        source(tower), output_loading_info=True, trust_remote_code=False, dtype=torch.float32, **options
    )
    return model.eval(), sorted(told["missing_keys"])


def load_tokenizer(of: Any, tower: TowerConfig, **options: Any) -> Any:
    """Its tokenizer; ``of`` is a class of transformers.

    Raises:
        ValueError: without a vocabulary, which transformers would let pass: each word would be an unknown one.
    """
    made = of.from_pretrained(source(tower), trust_remote_code=False, **options)
    if len(made.get_vocab()) <= len(set(made.all_special_tokens)):
        raise ValueError("its tokenizer has no vocabulary")
    return made


def complete(absent: list[str], but: tuple[str, ...] = ()) -> None:
    """Refuse a model of which a part would start from nothing unnoticed.

    Args:
        absent: names of parameters without weights.
        but: beginnings of names that may be absent.

    Raises:
        ValueError: one is absent.
    """
    needed = [name for name in absent if not name.startswith(but)]
    if needed:
        raise ValueError(f"its weights hold no {needed[0]} ({len(needed)} of this kind), so they are another model's")
