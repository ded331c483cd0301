"""A workspace made of numbers: a study as large as NIH ChestX-ray14 and two finished runs on it, without any training.

Findings have NIH's prevalences; embeddings gather by finding, images and texts a gap apart. What stages write is
written in their form, and the evaluation is the real one.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from core.config.presets import preset
from core.evaluation import evaluate_run
from core.files import stamp, write_json
from core.maps.of_run import gather
from core.maps.pca import principal
from core.runs import Run, identity, list_runs
from core.store import EmbeddingSet, Projection
from core.studies.study import Study, study_names
from scripts.bench_curves import row as step_row
from scripts.generated_study import make_study

PRESETS, STEPS, WIDTH = ("linear", "contrastive"), 2000, 512
STRENGTH = 0.15
"""Of a finding in an embedding, against noise of 1: an AUROC of some 0.9."""


def workspace(home: Path, samples: int) -> None:
    """Make it, or what is missing of it, in ``home``, which becomes the workspace of this process."""
    os.environ["FLUOROSCOPE_HOME"] = str(home)
    name = f"generated-{samples}"
    study = Study.load(name) if name in study_names() else make_study(name, samples)
    done = {run.config.preset for run in list_runs() if run.whole and run.config.study == name}
    for number, wanted in enumerate(PRESETS):
        if wanted not in done:
            make_run(study, wanted, number)


def make_run(study: Study, wanted: str, number: int) -> None:
    """A run with the files of one that went through all stages; its map are its principal components."""
    run, rng = Run.create(preset(wanted, study=study.name, encoder="lite")), np.random.default_rng(number)
    write_json(run.folder / "study.json", identity(study))
    write_json(run.folder / "checkpoints" / "head.json", {})
    rows = "".join(json.dumps(step_row(step, rng)) + "\n" for step in range(1, STEPS + 1))
    (run.folder / "metrics.jsonl").write_text(rows)
    embed(run, study, rng)
    evaluate_run(run, study)
    ids, kinds, vectors = gather(run, study)
    parameters = {"method": "pca", "study": study.fingerprint, "because": "this workspace is generated"}
    coordinates = principal(vectors)
    Projection(ids=ids, kinds=kinds, coordinates=coordinates, parameters=parameters, faithfulness={}).save(
        run.folder / "projections" / "umap"
    )
    write_json(run.folder / "exit.json", {"code": 0, "forced": False, "memory": False})


def embed(run: Run, study: Study, rng: np.random.Generator) -> None:
    """Embeddings and predictions, as the embed stage leaves them."""
    names, templates = list(study.findings), len(run.config.prompts.positive)
    axes, gap = rng.normal(size=(len(names), WIDTH)).astype(np.float32), rng.normal(size=WIDTH).astype(np.float32)
    ids = {"images": study.samples["id"].tolist(), "templates": [f"{t}:{n}" for t in range(templates) for n in names]}
    ids["texts"] = ids["images"]
    told = np.float32(STRENGTH) * study.labels @ axes
    signals = {"images": told, "texts": told, "prompts": axes, "negatives": -axes, "prompts-frozen": axes}
    made = {}
    for name, of in {**signals, "templates": np.tile(axes, (templates, 1))}.items():
        vectors = of + rng.standard_normal(of.shape, np.float32) + (gap if name == "images" else -gap) / 2
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        kind = {"images": "image", "texts": "text"}.get(name, "prompt")
        made[name] = EmbeddingSet(ids=ids.get(name, names), vectors=vectors, modality=kind)  # type: ignore[arg-type]
        made[name].save(run.folder / "embeddings" / name)
    cosines = made["images"].vectors @ made["prompts"].vectors.T
    table = study.samples[["id", "split"]].copy()
    table[[f"probability:{name}" for name in names]] = 1 / (1 + np.exp(-8 * (cosines - cosines.mean(axis=0))))
    table[[f"cosine:{name}" for name in names]] = cosines
    path = run.folder / "embeddings" / "predictions.parquet"
    table.to_parquet(path, index=False)
    manifest = {"probabilities": "zero-shot", "texts": "own text", "scale": 20.0, "sets": sorted(made)}
    write_json(path.with_name("embeddings.json"), {**manifest, "files": {path.name: stamp(path)}})
