"""Any image model of timm: by name, from a hub, from a folder, or from nothing."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from core.config.encoders import HUB, LOCAL, RANDOM, TowerConfig
from core.errors import ConfigError, WeightsMissing
from core.towers.base import ImageTower, as_recipe, from_nothing
from core.towers.hub import go_offline_unless_hub_answers, missing
from core.towers.layers import Blocks, blocks_of_timm

FILES = "config.json of timm's form and model.safetensors"


class TimmImage(ImageTower):
    """A timm model without its classifier: what its own pooling gives."""

    def __init__(self, model: Any, config: TowerConfig) -> None:
        from timm.data import resolve_model_data_config

        super().__init__()
        told = resolve_model_data_config(model)
        trained = int(told["input_size"][-1])
        self.recipe = as_recipe(config.side or trained, told["mean"], told["std"])
        self.model = model.to(memory_format=torch.channels_last)
        try:
            if self.recipe.side != trained and model.pretrained_cfg.get("fixed_input_size"):
                model.set_input_size(img_size=(config.side, config.side))
            self.width = self.measure()
        except (AttributeError, AssertionError, ValueError, RuntimeError) as error:
            if not config.side:
                raise
            raise ConfigError(
                f"{config.name!r} cannot read images of side {config.side} ({error}). Leave `side` at 0, or take a "
                "multiple of the model's patches."
            ) from error

    def features(self, prepared: Tensor) -> Tensor:
        found: Tensor = self.model(prepared)
        return found

    def blocks(self) -> Blocks:
        return blocks_of_timm(self.model, "model.")


def load(config: TowerConfig) -> TimmImage:
    """An image tower.

    Raises:
        WeightsMissing: no such model; not on this machine and no hub gives it; weights of another model.
        ConfigError: it cannot read images of that side.
    """
    import timm

    name, trained = named(config.name), config.pretrained != RANDOM
    if not name.startswith((HUB, LOCAL)):
        _check_name(name)
    go_offline_unless_hub_answers()
    try:
        with from_nothing():
            model: Any = timm.create_model(name, pretrained=trained)  # with its classifier timm is strict about weights
    except Exception as error:  # hub clients, config classes and readers of weights each raise their own
        raise missing(config.name, _repository(name), "a timm model", FILES, error) from error
    model.reset_classifier(0)
    return TimmImage(model, config)


def named(name: str) -> str:
    """As timm wants it: a repository of a hub has its mark."""
    return f"{HUB}{name}" if "/" in name and not name.startswith((HUB, LOCAL)) else name


def _check_name(name: str) -> None:
    import timm

    model, _, tag = name.partition(".")
    if not timm.is_model(model):
        alike = timm.list_models(f"*{model[:6]}*")[:8]
        some = f" Some of its names: {', '.join(alike)}." if alike else ""
        raise WeightsMissing(f"timm has no model {model!r}.{some} See timm.list_models().")
    tags = [one.partition(".")[2] for one in timm.list_pretrained(f"{model}.*")]
    if tag and tag not in tags:
        raise WeightsMissing(f"timm has no weights {tag!r} for {model!r}. It has: {', '.join(tags)}.")


def _repository(name: str) -> str:
    import timm

    if name.startswith((HUB, LOCAL)):
        return name.removeprefix(HUB)
    return str(getattr(timm.get_pretrained_cfg(name), "hf_hub_id", None) or f"timm/{name}")
