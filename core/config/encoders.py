"""The encoder registry: a key is resolved once to a frozen config that names everything needed to load it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self, cast

from core.config.base import Config, config, setting
from core.errors import ConfigError

Family = Literal["lite", "open_clip", "clip", "timm", "xrv", "bert"]

IMAGE_FAMILIES: tuple[Family, ...] = ("lite", "open_clip", "clip", "timm", "xrv")
TEXT_FAMILIES: tuple[Family, ...] = ("lite", "open_clip", "clip", "bert")
DUAL: tuple[Family, ...] = ("open_clip", "clip")
"""Families whose models hold both towers, trained together."""

RANDOM = "random"
"""Stands where weights are named: none, the tower starts from nothing."""

HUB, LOCAL = "hf-hub:", "local-dir:"
"""What the name of a model begins with that is a repository of a hub, or a folder of this machine."""


@config
class TowerConfig(Config):
    """One tower and where its weights come from."""

    family: Family = setting(help="which code loads it")
    name: str = setting(help="the model's name in its library, 'hf-hub:org/name', or 'local-dir:/folder'")
    pretrained: str = setting(default="", help="tag of the weights; empty: the name says it all; random: none")
    side: int = setting(
        default=0, help="image towers: side of their input in pixels; 0: as they were trained", low=0, high=1024
    )


@config
class EncoderConfig(Config):
    """An image tower and a text tower."""

    key: str = setting(help="name in the registry, or what it was made from")
    image: TowerConfig = setting(help="the image tower")
    text: TowerConfig = setting(help="the text tower")

    def __post_init__(self) -> None:
        super().__post_init__()
        for tower, families in ((self.image, IMAGE_FAMILIES), (self.text, TEXT_FAMILIES)):
            if tower.family not in families:
                side = "image" if families is IMAGE_FAMILIES else "text"
                raise ConfigError(f"{tower.family!r} has no {side} tower; there are {', '.join(families)}.")

    @property
    def aligned(self) -> bool:
        """Whether both come from one model that was trained, so that cosines across modalities mean something."""
        one_model = self.image.family in DUAL and self.image.replace(side=0) == self.text.replace(side=0)
        return one_model and self.image.pretrained != RANDOM

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Rebuild from :meth:`to_json`; configs of the time when both towers had one name are understood."""
        if isinstance(data, dict) and set(data) == {"key", "family", "name", "pretrained"}:
            tower = {name: value for name, value in data.items() if name != "key"}
            data = {"key": data["key"], "image": tower, "text": tower}
        return super().from_json(data)


LITE = TowerConfig(family="lite", name="efficientnet-lite0 + all-MiniLM-L6-v2")


def _dual(key: str, family: Family, name: str, pretrained: str = "") -> EncoderConfig:
    tower = TowerConfig(family=family, name=name, pretrained=pretrained)
    return EncoderConfig(key=key, image=tower, text=tower)


def _pair(key: str, image: TowerConfig, text: TowerConfig = LITE) -> EncoderConfig:
    return EncoderConfig(key=key, image=image, text=text)


_RESNET50 = TowerConfig(family="timm", name="resnet50.a1_in1k")
_VIT = TowerConfig(family="timm", name="vit_base_patch16_224.augreg2_in21k_ft_in1k")


def _bert(name: str) -> TowerConfig:
    return TowerConfig(family="bert", name=name)


ENCODERS: dict[str, EncoderConfig] = {
    "lite": EncoderConfig(key="lite", image=LITE, text=LITE),
    "clip": _dual("clip", "open_clip", "ViT-B-32", "openai"),
    "biomedclip": _dual("biomedclip", "open_clip", "hf-hub:microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224"),
    "clip-transformers": _dual("clip-transformers", "clip", "openai/clip-vit-base-patch32"),
    "biobert-resnet50": _pair("biobert-resnet50", _RESNET50, _bert("dmis-lab/biobert-base-cased-v1.2")),
    "pubmedbert": _pair("pubmedbert", _VIT, _bert("microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract-fulltext")),
    "cxr-bert": _pair("cxr-bert", _RESNET50, _bert("microsoft/BiomedVLP-CXR-BERT-specialized")),
    "biovil-t": _pair("biovil-t", _RESNET50, _bert("microsoft/BiomedVLP-BioViL-T")),
    "xrv-densenet121": _pair("xrv-densenet121", TowerConfig(family="xrv", name="densenet121-res224-all")),
    "custom": _pair("custom", TowerConfig(family="timm", name="resnet10t", pretrained=RANDOM, side=128)),
}

DESCRIPTIONS: dict[str, str] = {
    "lite": "EfficientNet-Lite0 (ImageNet) and MiniLM (sentences): real weights that are installed with "
    "Fluoroscope. Its towers were never trained together, so zero-shot is its chance baseline.",
    "clip": "OpenAI CLIP ViT-B/32: photographs and their captions.",
    "biomedclip": "BiomedCLIP ViT-B/16 and PubMedBERT: 15 million figures and captions from PubMed Central.",
    "clip-transformers": "The same CLIP ViT-B/32, loaded by transformers.",
    "biobert-resnet50": "ResNet50 (ImageNet) and BioBERT: two towers that never met.",
    "pubmedbert": "ViT-B/16 (ImageNet) and PubMedBERT (now BiomedBERT): the parts of BiomedCLIP before they met.",
    "cxr-bert": "ResNet50 (ImageNet) and CXR-BERT, which learned radiology reports beside radiographs; with its own "
    "projection.",
    "biovil-t": "ResNet50 (ImageNet) and the text half of BioViL-T, with its own projection. Its image half is code of "
    "its own, and is not loaded.",
    "xrv-densenet121": "torchxrayvision's DenseNet121, trained on radiographs alone; MiniLM reads the prompts.",
    "custom": "A small ResNet that starts from nothing (train all of it), with MiniLM.",
}

HOW_TO_NAME = (
    "an open_clip model as NAME/TAG, such as ViT-B-16/laion2b_s34b_b88k; hf-hub:org/name; a folder that holds "
    "open_clip_config.json and weights; or two towers as IMAGE+TEXT, each of them a name of this list or FAMILY:NAME, "
    "such as timm:resnet50.a1_in1k+bert:dmis-lab/biobert-base-cased-v1.2 (FAMILY:/folder for your own, NAME/random for "
    "weights that start from nothing)"
)


def resolve_encoder(key: str) -> EncoderConfig:
    """The config behind a key.

    Args:
        key: a name of :data:`ENCODERS`; ``NAME/TAG`` as open_clip lists them (``ViT-B-16/laion2b_s34b_b88k``);
            ``hf-hub:org/name``; a folder with ``open_clip_config.json`` and weights; or ``IMAGE+TEXT``, each of them
            one of the above or ``FAMILY:NAME`` with the families ``open_clip``, ``clip`` (transformers), ``timm``,
            ``xrv`` (image) and ``bert`` (text), where NAME is a model of that library, a repository of the hub or a
            folder. ``NAME/random`` is a tower that starts from nothing. An image tower alone gets MiniLM for its
            prompts.

    Raises:
        ConfigError: nothing of the above.
    """
    if key in ENCODERS:
        return ENCODERS[key]
    image, plus, text = key.partition("+")
    if plus:
        return EncoderConfig(key=key, image=_image(image), text=_text(text))
    if tower := _open_clip(key):
        name = Path(key).name if tower.name.startswith(LOCAL) else key
        return EncoderConfig(key=name, image=tower, text=tower)
    tower = _image(key)
    both = tower.family in DUAL
    return EncoderConfig(key=key, image=tower, text=tower if both else LITE)


def _open_clip(key: str) -> TowerConfig | None:
    if key.startswith(HUB):
        return TowerConfig(family="open_clip", name=key)
    folder = Path(key.removeprefix(LOCAL)).expanduser()
    if (folder / "open_clip_config.json").is_file():
        return TowerConfig(family="open_clip", name=f"{LOCAL}{folder.resolve()}")
    name, slash, tag = key.partition("/")
    if slash and name and tag and not key.startswith(("/", ".", "~")) and ":" not in name:
        return TowerConfig(family="open_clip", name=name, pretrained=tag)
    return None


def _image(key: str) -> TowerConfig:
    return _named(key, IMAGE_FAMILIES) or _unknown(key)


def _text(key: str) -> TowerConfig:
    return _named(key, TEXT_FAMILIES) or _unknown(key)


def _named(key: str, families: tuple[Family, ...]) -> TowerConfig | None:
    if key in ENCODERS:
        return ENCODERS[key].image if families == IMAGE_FAMILIES else ENCODERS[key].text
    if found := _open_clip(key):
        return found
    family, colon, name = key.partition(":")
    if not colon or not name or family not in families or family == "lite":
        return None
    if family == "open_clip":
        return _open_clip(name)
    own = cast(Family, family)
    path = Path(name).expanduser()
    if path.is_dir() or (path.is_file() and own == "xrv"):
        return TowerConfig(family=own, name=f"{LOCAL}{path.resolve()}")
    untrained = name.removesuffix(f"/{RANDOM}")
    return TowerConfig(family=own, name=untrained, pretrained=RANDOM if untrained != name else "")


def _unknown(key: str) -> TowerConfig:
    raise ConfigError(f"No encoder {key!r}. Give one of {', '.join(ENCODERS)}; {HOW_TO_NAME}.")
