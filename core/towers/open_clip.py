"""Any open_clip model: by name and tag, from a hub, or from a folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from torch import Tensor, nn

from core.config.encoders import HUB, LOCAL, RANDOM, TowerConfig
from core.errors import WeightsMissing
from core.towers.base import ImageTower, TextTower, Tokens, Towers, as_recipe, from_nothing
from core.towers.hub import go_offline_unless_hub_answers, missing
from core.towers.layers import Blocks, blocks_by_name, blocks_of_timm

FILES = (
    "open_clip_config.json and weights; where that config has an hf_model_name, also the tokenizer's files, and the "
    "model of that name as a folder or in the hub's cache"
)


class OpenClipImage(ImageTower):
    """The image half of an open_clip model."""

    def __init__(self, model: Any, config: TowerConfig) -> None:
        super().__init__()
        self.model = model.visual
        cfg: dict[str, Any] = dict(self.model.preprocess_cfg)
        side = cfg["size"][0] if isinstance(cfg["size"], (tuple, list)) else cfg["size"]
        self.recipe = as_recipe(config.side or side, cfg["mean"], cfg["std"])
        self.width = self.measure()

    def features(self, prepared: Tensor) -> Tensor:
        found: Tensor = self.model(prepared)
        return found

    def blocks(self) -> Blocks:
        trunk = getattr(self.model, "trunk", None)  # where open_clip takes its image half from timm
        return blocks_of_timm(trunk, "model.trunk.") if trunk is not None else blocks_by_name(self)


class OpenClipText(TextTower):
    """The text half: the model without what it does not need for texts."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        for unneeded in ("visual", "logit_scale", "logit_bias"):
            if hasattr(model, unneeded):
                delattr(model, unneeded)
        self.model = model
        self.width = self.measure()

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

    by_name = not config.name.startswith((HUB, LOCAL))
    if by_name:
        _check_tag(config)
    go_offline_unless_hub_answers()
    trained = config.pretrained != RANDOM
    quick = by_name and trained and bool(open_clip.get_pretrained_cfg(config.name, config.pretrained).get("quick_gelu"))
    tag = config.pretrained if trained else ""
    try:
        with from_nothing():
            model = open_clip.create_model(
                config.name,
                pretrained=tag or None,
                force_quick_gelu=quick,
                require_pretrained=trained,
                pretrained_text=False,
            )
        return model, open_clip.get_tokenizer(config.name)
    except Exception as error:  # hub clients, config classes and readers of weights each raise their own
        raise _missing(config, error) from error


def _check_tag(config: TowerConfig) -> None:
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(config.name)
    known = config.name in open_clip.list_models()
    if config.pretrained in tags or (known and config.pretrained == RANDOM):
        return
    raise WeightsMissing(
        f"open_clip has no weights {config.pretrained!r} for {config.name!r}. "
        + (f"It has: {', '.join(tags)}." if tags else "It does not know that model; see open_clip.list_pretrained().")
    )


def _missing(config: TowerConfig, error: Exception) -> WeightsMissing:
    import open_clip

    repository = config.name.removeprefix(HUB)
    named = repository
    if not config.name.startswith((HUB, LOCAL)) and config.pretrained != RANDOM:
        listed = cast(dict[str, Any], open_clip.get_pretrained_cfg(config.name, config.pretrained))
        repository = str(listed.get("hf_hub") or listed.get("url")).strip("/")
        named = f"{config.name}/{config.pretrained}"
    return missing(named, repository, "an open_clip model", FILES, error)
