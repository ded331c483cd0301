"""Scores on resampled test patients, kept beside a run's evaluation: at 22,051 radiographs they take 8 s to make."""

from __future__ import annotations

import numpy as np

from core.errors import ArtefactError
from core.files import read_json, replacing, sha256, stamp, verify, write_json
from core.metrics.comparison import PatientScores, Replicated
from core.runs import Run

STEM = "patients"


def keep_scores(run: Run, scores: PatientScores) -> None:
    """Write ``evaluation/patients.safetensors``, then its manifest, which names the embeddings that they are of."""
    from safetensors.numpy import save

    folder = run.folder / "evaluation"
    data = folder / f"{STEM}.safetensors"
    with replacing(data) as stream:
        stream.write(save({name: np.append(one.value, one.replicates) for name, one in scores.scores.items()}))
    manifest = {"n_patients": scores.n_patients, "of": _made_from(run), "file": stamp(data)}
    write_json(folder / f"{STEM}.json", manifest)


def kept_scores(run: Run) -> PatientScores | None:
    """What :func:`keep_scores` wrote; None where an earlier version judged the run, or other embeddings lie there now.

    Raises:
        ArtefactError: what is there is torn or altered.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    folder = run.folder / "evaluation"
    if not (folder / f"{STEM}.json").is_file():
        return None
    manifest, data = read_json(folder / f"{STEM}.json"), folder / f"{STEM}.safetensors"
    if manifest.get("of") != _made_from(run):
        return None
    verify(data, manifest.get("file", {}))
    try:
        found = load(data.read_bytes())
    except SafetensorError as error:
        raise ArtefactError(f"{data.name} of run {run.id[:8]} is not safetensors ({error}).") from error
    scores = {name: Replicated(value=float(values[0]), replicates=values[1:]) for name, values in found.items()}
    return PatientScores(scores=scores, n_patients=int(manifest["n_patients"]))


def _made_from(run: Run) -> str:
    return sha256(run.folder / "embeddings" / "embeddings.json")
