"""A model of BiomedCLIP's form in its full size: it loads, passes a batch, and fits into memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertTokenizer

from core.workspace import ROOT
from tests.towers.repositories import SPECIAL

VOCABULARY = 30522
GIGABYTE = 1 << 30

CHILD = """
import json, resource, sys
from pathlib import Path
import numpy as np, torch
from core.config.encoders import resolve_encoder
from core.encoders import load_encoder
encoder = load_encoder(resolve_encoder(sys.argv[1]), torch.device("cpu"))
images = encoder.embed_images(np.random.default_rng(0).integers(0, 256, (8, 224, 224), dtype=np.uint8))
texts = encoder.embed_texts([f"word{n} chest radiograph" for n in range(8)])
count = sum(p.numel() for tower in (encoder.image, encoder.text) for p in tower.parameters())
status = Path("/proc/self/status")  # the largest resident set outlives exec in getrusage: it would be the parent's
peak = (
    int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024
    if status.exists()
    else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
)
print(json.dumps({
    "shapes": [images.shape, texts.shape], "count": count, "aligned": encoder.aligned,
    "finite": bool(np.isfinite(images).all() and np.isfinite(texts).all()),
    "apart": [float(np.ptp(images, axis=0).mean()), float(np.ptp(texts, axis=0).mean())],
    "layers": [len(encoder.image.layers()), len(encoder.text.layers())],
    "peak": peak,
}))
"""


def write(folder: Path) -> None:
    """As on the hub, with its tokenizer; the config of its text half lies below it, not in another repository."""
    bert = folder / "bert"
    bert.mkdir(parents=True)
    words = [*SPECIAL, *(f"word{n}" for n in range(VOCABULARY - len(SPECIAL) - 2)), "chest", "radiograph"]
    (bert / "vocab.txt").write_text("\n".join(words) + "\n")
    BertTokenizer.from_pretrained(bert).save_pretrained(folder)
    BertConfig(vocab_size=VOCABULARY).save_pretrained(bert)
    cfg: dict[str, Any] = {
        "embed_dim": 512,
        "vision_cfg": {
            "timm_model_name": "vit_base_patch16_224",
            "timm_model_pretrained": False,
            "timm_pool": "",
            "timm_proj": "linear",
            "image_size": 224,
        },
        "text_cfg": {
            "hf_model_name": str(bert),
            "hf_model_pretrained": False,
            "hf_tokenizer_name": str(bert),
            "hf_proj_type": "mlp",
            "hf_pooler_type": "cls_last_hidden_state_pooler",
            "context_length": 256,
        },
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = open_clip.model.CustomTextCLIP(**json.loads(json.dumps(cfg)))
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    about = {"model_cfg": cfg, "preprocess_cfg": {"mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28]}}
    (folder / "open_clip_config.json").write_text(json.dumps(about))


@pytest.mark.slow
def test_biomedclip(tmp_path: Path) -> None:
    """ViT-B/16, 86 million; PubMedBERT with its words, 108.9 million; the projections: BiomedCLIP has 195.9 million."""
    write(tmp_path / "model")
    command = [sys.executable, "-c", CHILD, str(tmp_path / "model")]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert child.returncode == 0, child.stderr
    told = json.loads(child.stdout)
    (tmp_path / "model/open_clip_model.safetensors").unlink()  # pytest keeps the folders of its last three sessions
    print(f"peak memory {told['peak'] / GIGABYTE:.2f} GiB, {told['count']:,} parameters")
    assert told["shapes"] == [[8, 512], [8, 512]] and told["finite"] and told["aligned"]
    assert 195e6 < told["count"] < 197e6
    assert min(told["apart"]) > 0 and told["layers"] == [14, 14]
    assert told["peak"] < 4 * GIGABYTE
