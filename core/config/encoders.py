"""The encoder registry: a key is resolved once to a frozen config that names everything needed to load it again."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from core.config.base import Config, config, setting
from core.errors import ConfigError


@config
class EncoderConfig(Config):
    """An image tower, a text tower and where their weights come from."""

    key: str = setting(help="name in the registry, or the open_clip name it was made from")
    family: Literal["lite", "open_clip"] = setting(help="which code loads it")
    name: str = setting(help="open_clip model name, or 'hf-hub:org/name', or 'local-dir:/folder'")
    pretrained: str = setting(default="", help="open_clip's tag of the weights; empty where the name says it all")


ENCODERS: dict[str, EncoderConfig] = {
    "lite": EncoderConfig(key="lite", family="lite", name="efficientnet-lite0 + all-MiniLM-L6-v2"),
    "clip": EncoderConfig(key="clip", family="open_clip", name="ViT-B-32", pretrained="openai"),
    "biomedclip": EncoderConfig(
        key="biomedclip",
        family="open_clip",
        name="hf-hub:microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224",
    ),
}

DESCRIPTIONS: dict[str, str] = {
    "lite": "EfficientNet-Lite0 (ImageNet) and MiniLM (sentences): real weights that are installed with "
    "Fluoroscope. Its towers were never trained together, so zero-shot is its chance baseline.",
    "clip": "OpenAI CLIP ViT-B/32: photographs and their captions.",
    "biomedclip": "BiomedCLIP ViT-B/16 and PubMedBERT: 15 million figures and captions from PubMed Central.",
}


def resolve_encoder(key: str) -> EncoderConfig:
    """The config behind a key.

    Args:
        key: ``lite``, ``clip``, ``biomedclip``; ``NAME/TAG`` as open_clip lists them (``ViT-B-16/laion2b_s34b_b88k``);
            ``hf-hub:org/name``; or a folder with ``open_clip_config.json`` and weights.

    Raises:
        ConfigError: nothing of the above.
    """
    if key in ENCODERS:
        return ENCODERS[key]
    if key.startswith("hf-hub:"):
        return EncoderConfig(key=key, family="open_clip", name=key)
    folder = Path(key.removeprefix("local-dir:")).expanduser()
    if (folder / "open_clip_config.json").is_file():
        return EncoderConfig(key=folder.name, family="open_clip", name=f"local-dir:{folder.resolve()}")
    name, slash, tag = key.partition("/")
    if slash and name and tag and not key.startswith(("/", ".", "~", "local-dir:")):
        return EncoderConfig(key=key, family="open_clip", name=name, pretrained=tag)
    raise ConfigError(
        f"No encoder {key!r}. Give one of {', '.join(ENCODERS)}; an open_clip model as NAME/TAG, such as "
        "ViT-B-16/laion2b_s34b_b88k; hf-hub:org/name; or a folder that holds open_clip_config.json and weights."
    )
