"""CLIP as transformers loads it: ``CLIPModel`` with its tokenizer and its image processor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from core.config.encoders import TowerConfig
from core.towers.base import ImageTower, TextTower, Tokens, Towers, as_recipe
from core.towers.hub import missing
from core.towers.pretrained import complete, load_model, load_tokenizer, quiet, source

FILES = "config.json, model.safetensors, preprocessor_config.json and the tokenizer's files"


class ClipImage(ImageTower):
    """The vision transformer and its projection into the shared space."""

    def __init__(self, model: Any, processor: Any, config: TowerConfig) -> None:
        super().__init__()
        self.model, self.projection = model.vision_model, model.visual_projection
        trained = model.config.vision_config.image_size
        self.recipe = as_recipe(config.side or trained, processor.image_mean, processor.image_std)
        self.other_side = self.recipe.side != trained
        self.width = model.config.projection_dim

    def features(self, prepared: Tensor) -> Tensor:
        states = self.model(prepared, interpolate_pos_encoding=self.other_side)
        found: Tensor = self.projection(states.pooler_output)
        return found


class ClipText(TextTower):
    """The text transformer and its projection into the shared space."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        super().__init__()
        self.model, self.projection = model.text_model, model.text_projection
        self.tokenizer = tokenizer
        self.most_tokens = model.config.text_config.max_position_embeddings
        self.width = model.config.projection_dim

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        found = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=self.most_tokens, return_tensors="pt"
        )
        return {name: found[name] for name in ("input_ids", "attention_mask")}

    def forward(self, tokens: Tokens) -> Tensor:
        found: Tensor = self.projection(self.model(**tokens).pooler_output)
        return found


def load(config: TowerConfig) -> Towers:
    """Both towers.

    Raises:
        WeightsMissing: no such model; not on this machine and no hub gives it; weights of another model.
    """
    from transformers import AutoTokenizer, CLIPImageProcessor, CLIPModel

    quiet(config)
    name = source(config)
    try:
        model, absent = load_model(CLIPModel, config)
        complete(absent)
        tokenizer = load_tokenizer(AutoTokenizer, config)
        processor = CLIPImageProcessor.from_pretrained(name)
    except Exception as error:  # hub clients, config classes and readers of weights each raise their own
        raise missing(config.name, name, "a CLIP model of transformers", FILES, error) from error
    inverse = float(model.logit_scale.detach().exp())
    return Towers(image=ClipImage(model, processor, config), text=ClipText(model, tokenizer), logit_scale=inverse)
