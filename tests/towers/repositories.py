"""Small models with random weights, in the very form in which each family's real ones lie on a hub."""

from __future__ import annotations

import copy
import json
import os
import zlib
from pathlib import Path
from typing import Any

import open_clip
import timm
import torch
from safetensors.torch import save_file
from timm.models import save_for_hf
from torch import nn
from transformers import BertConfig, BertForMaskedLM, BertModel, CLIPConfig, CLIPImageProcessor, CLIPModel

from core.towers.cxr_bert import ProjectionHead

TEXTS = ["pleural effusion", "no mass in the left lung", "Mass", ""]
WORDS = ["pleural", "effusion", "no", "mass", "in", "the", "left", "lung", "chest", "Mass"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

CLIP = "openai/clip-vit-base-patch32"
BIOBERT = "dmis-lab/biobert-base-cased-v1.2"
BIOMEDBERT = "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract-fulltext"
CXR_BERT = "microsoft/BiomedVLP-CXR-BERT-specialized"
SENTENCES = "tiny/sentences"
RESNET, VIT = "test_resnet.r160_in1k", "test_vit.r160_in1k"
MEAN, STD = [0.1, 0.2, 0.3], [0.5, 0.6, 0.7]


def randomised(model: nn.Module, seed: int = 0, by: float = 0.1) -> Any:
    """Other weights everywhere: what is initialised to 0 or 1 would hide a mistake."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(by * torch.randn(parameter.shape, generator=generator))
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.add_(by * torch.randn(buffer.shape, generator=generator))
    return model.eval()


def write_all(root: Path) -> Path:
    """Every repository below; gives the root."""
    for name, vision in OPEN_CLIP.items():
        open_clip_model(root / "tiny" / name, vision)
    clip(root / CLIP)
    biobert(root / BIOBERT)
    biomedbert(root / BIOMEDBERT)
    cxr_bert(root / CXR_BERT)
    sentences(root / SENTENCES)
    for name in (RESNET, VIT):
        image_model(root / "timm" / name, name)
    return root


OPEN_CLIP = {
    "open-vit": {"image_size": 64, "layers": 2, "width": 64, "patch_size": 16, "head_width": 32},
    "open-resnet": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 32},
}


def open_clip_model(folder: Path, vision: dict[str, Any]) -> None:
    """A model of open_clip in a folder, with OpenAI's tokenizer, which comes with open_clip."""
    folder.mkdir(parents=True)
    text = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
    about = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text}
    torch.manual_seed(5)
    model = randomised(open_clip.model.CLIP(**copy.deepcopy(about)))
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    told = {"model_cfg": about, "preprocess_cfg": {"mean": MEAN, "std": STD}}
    (folder / "open_clip_config.json").write_text(json.dumps(told))


def clip(folder: Path) -> None:
    """``CLIPModel`` with the tokenizer of single letters, and an image processor of its own."""
    folder.mkdir(parents=True)
    letters = [chr(code) for code in (*range(33, 127), *range(161, 173), *range(174, 256), *range(256, 324))]
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: place for place, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "tokenizer_class": "CLIPTokenizer",
                "model_max_length": 77,
                "bos_token": "<|startoftext|>",
                "eos_token": "<|endoftext|>",
                "pad_token": "<|endoftext|>",
                "unk_token": "<|endoftext|>",
            }
        )
    )
    common = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = common | {"vocab_size": len(words), "bos_token_id": len(words) - 2, "eos_token_id": len(words) - 1}
    vision = common | {"image_size": 64, "patch_size": 16}
    torch.manual_seed(0)
    randomised(CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=24))).save_pretrained(folder)
    CLIPImageProcessor(
        size={"shortest_edge": 64}, crop_size={"height": 64, "width": 64}, image_mean=MEAN, image_std=STD
    ).save_pretrained(folder)


def _bert(vocabulary: list[str], **more: Any) -> BertConfig:
    return BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
        **more,
    )


def _vocabulary(folder: Path, words: list[str]) -> list[str]:
    folder.mkdir(parents=True)
    vocabulary = [*SPECIAL, *words]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    return vocabulary


def biobert(folder: Path) -> None:
    """A cased vocabulary without a word about it, weights of a masked language model in torch's own file."""
    vocabulary = _vocabulary(folder, WORDS)
    torch.manual_seed(1)
    model = randomised(BertForMaskedLM(_bert(vocabulary)))
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", **_settings(model.config)}))
    torch.save(model.state_dict(), folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)


def _settings(config: BertConfig) -> dict[str, Any]:
    """What a config of those years held."""
    names = (
        *("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"),
        *("max_position_embeddings", "hidden_act", "layer_norm_eps", "type_vocab_size", "pad_token_id"),
    )
    return {name: getattr(config, name) for name in names}


def biomedbert(folder: Path) -> None:
    """Without capitals, with a pooler, as transformers itself saves it."""
    vocabulary = _vocabulary(folder, [word for word in WORDS if word.islower()])
    torch.manual_seed(2)
    randomised(BertModel(_bert(vocabulary))).save_pretrained(folder)
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True, "model_max_length": 20}))


def sentences(folder: Path) -> None:
    """A sentence transformer that takes the mean over its tokens."""
    biomedbert(folder)
    (folder / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": 32, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling/config.json").write_text(json.dumps(pooling))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 6, "do_lower_case": False}))


def cxr_bert(folder: Path, head: bool = True) -> None:
    """Names code that should be run for it, which leaves a folder behind where it is."""
    vocabulary = _vocabulary(folder, [word for word in WORDS if word.islower()])
    torch.manual_seed(3)
    model = randomised(BertForMaskedLM(_bert(vocabulary)))
    code = "configuration_cxrbert.CXRBert"
    about = {
        "model_type": "cxr-bert",
        "architectures": ["CXRBertModel"],
        "projection_size": 16,
        "auto_map": {"AutoConfig": f"{code}Config", "AutoModel": "modeling_cxrbert.CXRBertModel"},
    }
    (folder / "config.json").write_text(json.dumps(about | _settings(model.config)))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "CXRBertTokenizer", "auto_map": {"AutoTokenizer": [f"{code}Tokenizer", None]}})
    )
    for file in ("configuration_cxrbert.py", "modeling_cxrbert.py"):
        (folder / file).write_text(f"import os\nos.mkdir({str(folder / 'ran')!r})\n")
    weights = dict(model.state_dict())
    if head:
        projection = randomised(ProjectionHead(32, 16), seed=4)
        weights |= {f"cls_projection_head.{name}": tensor for name, tensor in projection.state_dict().items()}
    torch.save(weights, folder / "pytorch_model.bin")


def image_model(folder: Path, name: str) -> None:
    """As timm pushes a model to a hub."""
    torch.manual_seed(zlib.crc32(name.encode()))
    model = randomised(timm.create_model(name, pretrained=False), by=0.01)
    save_for_hf(model, folder, safe_serialization="both")
    (folder / "pytorch_model.bin").unlink()


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def poison(folder: Path) -> Path:
    """Put a pickle with code in it in place of the weights; gives the folder that it would make."""
    for path in (*folder.glob("*.safetensors"), *folder.glob("*.bin")):
        path.unlink()
    torch.save({"a": Evil(folder / "ran")}, folder / "pytorch_model.bin")
    return folder / "ran"


def save_tensors(folder: Path, tensors: dict[str, torch.Tensor]) -> None:
    """In place of a model's weights."""
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors")
