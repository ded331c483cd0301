"""Any open_clip model: by name and tag, from a hub, or from a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from core.config.encoders import TowerConfig
from core.errors import WeightsMissing
from core.towers.base import ImageTower, TextTower, Tokens, Towers, as_recipe
from core.towers.hub import does_not_load, go_offline_unless_hub_answers, how_to_bring

FILES = "open_clip_config.json and weights"


class OpenClipImage(ImageTower):
    """The image half of an open_clip model."""

    def __init__(self, model: Any, config: TowerConfig) -> None:
        super().__init__()
        self.model = model.visual
        cfg: dict[str, Any] = dict(self.model.preprocess_cfg)
        side = cfg["size"][0] if isinstance(cfg["size"], (tuple, list)) else cfg["size"]
        self.recipe = as_recipe(config.side or side, cfg["mean"], cfg["std"])
        with torch.inference_mode():
            self.width = self.eval().features(torch.zeros(1, 3, self.recipe.side, self.recipe.side)).shape[-1]

    def features(self, prepared: Tensor) -> Tensor:
        found: Tensor = self.model(prepared)
        return found


class OpenClipText(TextTower):
    """The text half: the model without what it does not need for texts."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        for unneeded in ("visual", "logit_scale", "logit_bias"):
            if hasattr(model, unneeded):
                delattr(model, unneeded)
        self.model = model
        with torch.inference_mode():
            self.width = self.eval()(self.tokenize(["chest"])).shape[-1]

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        return {"text": self.tokenizer(list(texts))}

    def forward(self, tokens: Tokens) -> Tensor:
        found: Tensor = self.model.encode_text(tokens["text"])
        return found


def load(config: TowerConfig) -> Towers:
    """Both towers.

    Raises:
        WeightsMissing: no such model or tag; not on this machine and no hub gives it.
    """
    model, tokenizer = load_model(config)
    scale = getattr(model, "logit_scale", None)
    inverse = float(scale.detach().exp()) if scale is not None else None
    return Towers(image=OpenClipImage(model, config), text=OpenClipText(model, tokenizer), logit_scale=inverse)


def load_model(config: TowerConfig) -> tuple[nn.Module, Any]:
    """The model and its tokenizer, as open_clip makes them."""
    import open_clip

    by_name = not config.name.startswith(("hf-hub:", "local-dir:"))
    if by_name:
        _check_tag(config)
    go_offline_unless_hub_answers()
    quick = by_name and bool(open_clip.get_pretrained_cfg(config.name, config.pretrained).get("quick_gelu"))
    try:
        model = open_clip.create_model(
            config.name, pretrained=config.pretrained or None, force_quick_gelu=quick, require_pretrained=True
        )
        return model, open_clip.get_tokenizer(config.name)
    except Exception as error:  # hub clients, config classes and readers of weights each raise their own
        raise WeightsMissing(_what_to_do(config, error)) from error


def _check_tag(config: TowerConfig) -> None:
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(config.name)
    if config.pretrained not in tags:
        raise WeightsMissing(
            f"open_clip has no weights {config.pretrained!r} for {config.name!r}. "
            + (
                f"It has: {', '.join(tags)}."
                if tags
                else "It does not know that model; see open_clip.list_pretrained()."
            )
        )


def _what_to_do(config: TowerConfig, error: Exception) -> str:
    import open_clip

    if config.name.startswith("local-dir:"):
        folder = Path(config.name.removeprefix("local-dir:")).name
        return does_not_load(folder, "an open_clip model", FILES, error)
    repository = config.name.removeprefix("hf-hub:")
    named = repository
    if repository == config.name:
        listed = cast(dict[str, Any], open_clip.get_pretrained_cfg(config.name, config.pretrained))
        repository, named = (
            str(listed.get("hf_hub") or listed.get("url")).strip("/"),
            f"{config.name}/{config.pretrained}",
        )
    return how_to_bring(named, repository, FILES, error)
