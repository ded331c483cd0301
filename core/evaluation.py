"""How a run does on the test split, and what its embedding space looks like in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.cards.thresholds import brought_thresholds
from core.config.run import EvaluationConfig
from core.files import read_json, write_json
from core.metrics import gap, retrieval, shifting, similarity
from core.metrics.classification import evaluate
from core.metrics.ranking import aurocs, macro_auroc
from core.metrics.results import to_json
from core.metrics.thresholds import Threshold, choose_threshold
from core.metrics.zero_shot import by_template, zero_shot
from core.patients import keep_scores
from core.pictures.missing import no_scores
from core.pictures.partners import same_texts
from core.pictures.source import test_scores
from core.runs import Run
from core.store import paired_rows
from core.studies.study import Study

FORM = 3
"""From 2 on: recall at each shift, linear separability of the modalities, the gap of each finding. From 3 on:
intervals of AUROC and average precision on the scale of the logit; scores on resampled patients beside it."""


def evaluate_run(run: Run, study: Study) -> dict[str, Any]:
    """Judge the predictions on the test split and measure the space; writes ``evaluation/evaluation.json``,
    and before it the scores on resampled test patients.

    Thresholds come from the validation split. Centroids, gap, alignment and uniformity are of the test split. Under
    ``missing`` stands why a part (``test``, ``auroc``, ``shift``, ``task``) could not be measured.
    """
    predictions = run.predictions()
    report: dict[str, Any] = {
        "form": FORM,
        "test": classification(
            study, predictions, run.config.evaluation, run.config.seed, given=brought_thresholds(run.config, study)
        ),
        "zero_shot_auroc": _zero_shot(study, predictions),
        "zero_shot": of_prompts(run, study),
        "space": space(run, study),
    }
    report["missing"] = missing(study, report)
    if report["test"] is not None:
        keep_scores(run, test_scores(predictions, study))
    write_json(run.folder / "evaluation" / "evaluation.json", report)
    return report


def classification(
    study: Study,
    predictions: pd.DataFrame,
    config: EvaluationConfig,
    seed: int,
    *,
    given: Mapping[str, Threshold] | None = None,
) -> dict[str, Any] | None:
    """AUROC, AP, MSE, calibration and confusion per disease; None without a test split or without findings.

    ``given``: thresholds of findings, by name, that are taken as they are instead of chosen on validation.
    """
    probabilities = predictions[[f"probability:{name}" for name in study.findings]].to_numpy(np.float64)
    val, test = study.rows("val"), study.rows("test")
    if not len(test) or not study.findings:
        return None
    brought = given or {}
    thresholds = [
        brought[name]
        if name in brought
        else choose_threshold(
            study.labels[val, column], probabilities[val, column], config.threshold_rule, config.threshold_target
        )
        for column, name in enumerate(study.findings)
    ]
    patients = study.samples["patient"].to_numpy()[test]
    found = evaluate(
        study.labels[test],
        probabilities[test],
        patients,
        study.findings,
        thresholds,
        replicates=config.replicates,
        seed=seed,
    )
    report: dict[str, Any] = to_json(found)
    return report


def _zero_shot(study: Study, predictions: pd.DataFrame) -> dict[str, float]:
    """Test AUROC of the plain cosine to each disease prompt (POS); NaN where only one class is known."""
    test = study.rows("test")
    cosines = predictions[[f"cosine:{name}" for name in study.findings]].to_numpy(np.float64)
    return dict(zip(study.findings, aurocs(study.labels[test], cosines[test]).tolist(), strict=True))


def of_prompts(run: Run, study: Study) -> dict[str, Any] | None:
    """Zero-shot on the test split: POS, PNC, negative prompts alone, and each positive template by itself; None
    without a test split or without findings."""
    test = study.rows("test")
    if not len(test) or not study.findings:
        return None
    images, templates = run.embeddings("images").vectors[test], run.embeddings("templates").vectors
    found: dict[str, Any] = to_json(
        zero_shot(
            study.labels[test],
            images,
            run.embeddings("prompts").vectors,
            run.embeddings("negatives").vectors,
            study.samples["patient"].to_numpy()[test],
            replicates=run.config.evaluation.replicates,
            seed=run.config.seed,
        )
    )
    each = by_template(study.labels[test], images, templates.reshape(-1, len(study.findings), templates.shape[1]))
    texts = run.config.prompts.positive
    found["templates"] = [{"text": text, "aurocs": to_json(own)} for text, own in zip(texts, each, strict=True)]
    return found


def missing(study: Study, report: dict[str, Any]) -> dict[str, str]:
    """Why parts of a report are None, one sentence each."""
    found, place = {}, "the test radiographs" if report["space"]["rows"] == "test" else "all radiographs"
    one_class = f"no finding has both classes among the known labels of {place}"
    if unjudged := no_scores(study):
        found["test"] = unjudged
    elif not report["test"]["macro"]["n_findings"]:
        found["auroc"] = f"No AUROC is defined: {one_class}."
    shift, pairs = report["space"]["shift"], report["space"]["pairs"]
    if shift is None:
        why = f"{pairs} of {place} have a text" if pairs < 2 else "the mean image and the mean text coincide"
        found["shift"] = f"There is no gap to move along: {why}."
    elif all(value is None for value in shift["task"]):
        found["task"] = f"There is no zero-shot AUROC: {one_class if study.findings else 'there are no findings'}."
    return found


def space(run: Run, study: Study) -> dict[str, Any]:
    """The numbers above the pictures: similarity of prompts and centroids, gap, alignment, uniformity, retrieval."""
    images, texts = run.embeddings("images"), run.embeddings("texts")
    test = study.judged_rows()
    centres, support = similarity.centroids(images.vectors[test], study.labels[test])
    own, paired, among = paired_rows(images, texts, study.samples["id"].to_numpy()[test])
    return {
        "rows": "test" if len(study.rows("test")) else "all",
        "prompts": _off_diagonal(run.embeddings("prompts").vectors),
        "prompts_frozen": _off_diagonal(run.embeddings("prompts-frozen").vectors),
        "centroids": _off_diagonal(centres),
        "support": support.tolist(),
        "effective_rank": similarity.effective_rank(images.vectors[test]),
        "uniformity_images": _uniformity(images.vectors[test]),
        "uniformity_prompts": _uniformity(run.embeddings("prompts").vectors),
        **_of_pairs(study, run, own, paired, test[among]),
    }


def _shift(
    run: Run,
    labels: NDArray[np.float32],
    images: NDArray[np.float32],
    texts: NDArray[np.float32],
    groups: NDArray[np.int64],
) -> dict[str, Any] | None:
    """Loss, recall, and macro zero-shot AUROC of cosines to the disease prompts (None without any), while both
    modalities are moved towards each other and past (Liang et al., 2022). None where there is no gap to move along."""
    if len(images) < 2 or gap.modality_gap(images, texts).distance < 1e-6:
        return None

    def task(moved_images: NDArray[np.floating[Any]], moved_prompts: NDArray[np.floating[Any]]) -> float:
        return macro_auroc(labels, moved_images @ moved_prompts.T)

    scale = float(read_json(run.folder / "embeddings" / "embeddings.json")["scale"])
    prompts = run.embeddings("prompts").vectors
    judged = (task, prompts) if len(prompts) else (None, None)
    found: dict[str, Any] = to_json(
        shifting.shift_curve(images, texts, scale=scale, task=judged[0], task_texts=judged[1], groups=groups)
    )
    return {**found, "scale": scale}


def _off_diagonal(vectors: NDArray[np.float32]) -> dict[str, Any] | None:
    supported = vectors[~np.isnan(vectors).any(axis=1)]
    if len(supported) < 2:
        return None
    found: dict[str, Any] = to_json(similarity.off_diagonal(similarity.cosine_matrix(supported)))
    return found


def _uniformity(vectors: NDArray[np.float32]) -> float | None:
    return similarity.uniformity(vectors, max_pairs=2_000_000) if len(vectors) > 1 else None


def _of_pairs(
    study: Study, run: Run, images: NDArray[np.float32], texts: NDArray[np.float32], rows: NDArray[np.int64]
) -> dict[str, Any]:
    """Measures that need images with their texts, of these rows of the study; None where there are fewer than two."""
    pairs = len(images)
    if pairs < 2:
        without = ("gap", "separability", "finding_gaps", "alignment", "uniformity_texts", "retrieval", "shift")
        return {"pairs": pairs, **dict.fromkeys(without)}
    groups, labels = same_texts(run, study, rows), study.labels[rows]
    return {
        "pairs": pairs,
        "gap": gap.modality_gap(images, texts).distance,
        "separability": to_json(gap.linear_separability(images, texts)),
        "finding_gaps": to_json(gap.finding_gaps(images, texts, labels)),
        "alignment": similarity.alignment(images, texts),
        "uniformity_texts": _uniformity(texts),
        "retrieval": to_json(retrieval.recall_at_k(images, texts, groups=groups, max_pairs=5000)),
        "shift": _shift(run, labels, images, texts, groups),
    }
