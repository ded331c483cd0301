"""The card's example: a model's weights used with numpy and safetensors alone. A test runs it as it stands."""

from __future__ import annotations

from core.config.model import ModelConfig

START = """\
import json
from math import erf
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

folder = Path(".")  # this one
weights = load_file(folder / "model.safetensors")  # the head; names that begin with "towers." belong to a tower
prompts = load_file(folder / "prompts.safetensors")  # positive and negative, float32 (findings, width), norm 1
labels = json.loads((folder / "labels.json").read_text())
thresholds = {row["finding"]: row["value"] for row in json.loads((folder / "thresholds.json").read_text())["findings"]}


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


scale = min(float(np.exp(weights["log_scale"])), 100.0)
"""

LINEAR = '''

def embed(features):
    """(n, image width) of the image tower -> (n, width) of norm 1, beside the prompts."""
    standardised = (features - weights["mean"]) / weights["std"]
    return unit(standardised @ weights["image.weight"].T + weights["image.bias"])


def probabilities(features):
    """(n, image width) -> (n, findings)."""
    return sigmoid(scale * embed(features) @ weights["class_weights"].T + weights["bias"])
'''

PROJECTION = '''

def embed(features):
    """(n, image width) of the image tower -> (n, width) of norm 1, beside the prompts."""
    x = (features - weights["mean"]) / weights["std"]
    x = x @ weights["image.0.weight"].T + weights["image.0.bias"]
    for layer in range(1, LAYERS + 1):
        gelu = x / 2 * (1 + np.vectorize(erf)(x / 2**0.5))
        x = x + gelu @ weights[f"image.{layer}.block.1.weight"].T + weights[f"image.{layer}.block.1.bias"]
    return unit(x)
'''

PLAIN = '''

def embed(features):
    """(n, image width) of the image tower -> (n, width) of norm 1, beside the prompts."""
    return unit(features @ weights["image_map"].T)
'''

ZERO_SHOT = '''

def probabilities(features):
    """(n, image width) -> (n, findings): a positive against a negative prompt."""
    images = embed(features)
    return sigmoid(scale * (images @ prompts["positive"].T - images @ prompts["negative"].T))
'''

TOKENS = """

# The head is two small transformers (torch.nn.TransformerEncoder, norm first, gelu), which numpy does not have; their
# tensors are under "image_transformer." and "text_module.". What the text side makes of the findings is there already:
cosines = prompts["positive"] @ prompts["positive"].T
"""

END = """

print(len(labels), "findings;", sum(one.size for one in weights.values()), "numbers were learned or kept")
for name, one in sorted(weights.items()):
    print(name, one.dtype, one.shape)
"""


def example(config: ModelConfig) -> str:
    """Python for this kind of head."""
    projection = PROJECTION.replace("LAYERS", str(config.head.layers)) + ZERO_SHOT
    own = {"linear": LINEAR, "projection": projection, "disease-tokens": TOKENS}.get(
        config.head.kind, PLAIN + ZERO_SHOT
    )
    start = START if config.head.kind == "projection" else START.replace("from math import erf\n", "")
    return (start + own + END).strip()
