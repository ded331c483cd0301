"""Loads encoders in a process of its own, because hub clients read their settings once, when they are imported.

Reads ``jobs.json`` in the folder that it is given; writes ``results.json`` and one ``.npz`` of features per encoder.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import open_clip

from core.config.encoders import EncoderConfig
from core.encoders import load_encoder
from core.errors import WeightsMissing

folder = Path(sys.argv[1])
jobs = json.loads((folder / "jobs.json").read_text())
if jobs["by_name"]:  # a small model under a name of its own, with a tag like OpenAI's
    open_clip.add_model_config(folder / "tiny-clip.json")
    tag = {"hf_hub": "tiny/clip/", "quick_gelu": True, "mean": (0.1, 0.2, 0.3), "std": (0.5, 0.6, 0.7)}
    open_clip.pretrained._PRETRAINED["tiny-clip"] = {"openai": tag}
given = np.load(folder / "given.npz")
results = {}
for name, config in jobs["encoders"].items():
    started = time.monotonic()
    try:
        encoder = load_encoder(EncoderConfig.from_json(config))
    except WeightsMissing as error:
        results[name] = {"error": str(error), "seconds": time.monotonic() - started}
        continue
    recipe = encoder.image.recipe
    images = encoder.embed_images(given[str(recipe.side)])
    resized = encoder.embed_images(given["large"])
    texts = encoder.embed_texts(jobs["texts"])
    np.savez(folder / f"{name}.npz", images=images, resized=resized, texts=texts)
    results[name] = {
        "recipe": [recipe.side, recipe.mean, recipe.std],
        "widths": [encoder.image_width, encoder.text_width],
        "scale": encoder.logit_scale,
        "aligned": encoder.aligned,
        "training": encoder.image.training or encoder.text.training,
        "fingerprint": [encoder.image_weights, encoder.text_weights],
    }
(folder / "results.json").write_text(json.dumps(results))
