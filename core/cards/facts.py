"""What a model card says of a run: its data, its training, how it did; no patient, sample, folder or host among it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.cards.origins import origins_of
from core.cards.public import public_command, public_encoder
from core.cards.reading import check_encoder
from core.config.model import FORM, ModelConfig, TowerPrints
from core.errors import ArtefactError, RunError
from core.files import read_json
from core.metrics.thresholds import Threshold, choose_threshold
from core.runs import Run
from core.studies.study import SPLITS, Study
from core.work import read_progress

LEFT_OUT = ("shift", "support")
"""Of the space's numbers: curves, which belong to figures."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that a model folder is written from.

    Attributes:
        run: whose weights it holds.
        config: ``config.json``.
        thresholds: of each finding, in order.
        prompts: ``positive`` and ``negative``, float32 (K, d).
        results: ``results.json``.
    """

    run: Run
    config: ModelConfig
    thresholds: dict[str, Threshold]
    prompts: dict[str, NDArray[np.float32]]
    results: dict[str, Any]

    @property
    def labels(self) -> list[str]:
        return list(self.thresholds)


def gather(run: Run) -> Facts:
    """Everything of a finished run that its model card holds.

    Raises:
        RunError: it is not finished, or trained nothing and only judges what another learned.
        StudyError: its study is gone, or changed since.
        ArtefactError: a file of it is torn or altered.
    """
    if not run.has("evaluate"):
        raise RunError(f"Run {run.id[:8]} is not finished: it has no evaluate stage yet. Let it finish first.")
    if run.config.start_from and not run.config.losses:
        raise RunError(
            f"Run {run.id[:8]} only judges what another one learned ({run.config.start_from[:60]}): export that one."
        )
    study = Study.load(run.config.study).asked_for(run.config.findings)
    run.check_is_of(study)
    named = {"positive": "prompts", "negative": "negatives"}
    return Facts(
        run=run,
        config=_config(run),
        thresholds=_thresholds(run, study),
        prompts={name: run.embeddings(own).vectors for name, own in named.items()},
        results={
            "form": FORM,
            "study": _study(study),
            "training": _training(run),
            "evaluation": _evaluation(run),
        },
    )


def _config(run: Run) -> ModelConfig:
    own = run.config
    origins = origins_of(run.id)
    encoder = public_encoder(own.encoder)
    check_encoder(encoder)
    image, text = read_json(run.folder / "embeddings" / "embeddings.json")["weights"]
    return ModelConfig(
        form=FORM,
        preset=own.preset,
        encoder=encoder,
        seed=own.seed,
        head=own.head,
        tuning=own.tuning,
        objective=own.objective,
        training=own.training,
        augmentation=own.augmentation,
        prompts=own.prompts,
        evaluation=own.evaluation,
        weights=TowerPrints(image=image, text=text),
        trained_on=origins.studies,
        others=origins.others,
    )


def _thresholds(run: Run, study: Study) -> dict[str, Threshold]:
    """As the evaluation chose them: on the validation split, by the run's rule."""
    table, rows = run.predictions(), study.rows("val")
    rule = run.config.evaluation.threshold_rule
    return {
        name: choose_threshold(study.labels[rows, at], table[f"probability:{name}"].to_numpy(np.float64)[rows], rule)
        for at, name in enumerate(study.findings)
    }


def _study(study: Study) -> dict[str, Any]:
    said = ("source", "title", "synthetic", "samples", "patients", "size", "fit", "uncertain", "notes", "has_text")
    return {
        "name": study.name,
        **{name: study.manifest[name] for name in (*said, "fingerprint", "split_hash")},
        "patients_in_two_splits": int((study.samples.groupby("patient")["split"].nunique() > 1).sum()),
        "splits": {split: _split(study, split) for split in SPLITS},
        "findings": [_finding(study, at, name) for at, name in enumerate(study.findings)],
        "groups": {name: study.summary[name] for name in ("sexes", "views")},
    }


def _split(study: Study, split: str) -> dict[str, int]:
    rows = study.rows(split)
    return {"radiographs": len(rows), "patients": int(study.samples["patient"].iloc[rows].nunique())}


def _finding(study: Study, at: int, name: str) -> dict[str, Any]:
    own = {split: study.labels[study.rows(split), at] for split in SPLITS}
    return {
        "finding": name,
        "present": {split: int((values == 1).sum()) for split, values in own.items()},
        "known": {split: int((~np.isnan(values)).sum()) for split, values in own.items()},
    }


def _training(run: Run) -> dict[str, Any]:
    made = read_json(run.folder / "config.json")
    took = [one["seconds"] for one in read_progress(run.folder)["finished"] if one["stage"] == "train"]
    return {
        "trained": bool(run.config.losses),
        "began_with_others": bool(run.config.start_from),
        "device": _device(run),
        "seconds": took[-1] if took else None,
        "made": time.strftime("%Y-%m-%d", time.gmtime(run.created)),
        "provenance": made["provenance"],
        "command": public_command(run.config),
    }


def _device(run: Run) -> str | None:
    """The processor that the run's log names, and the precision; None where it does not."""
    try:
        log = (run.folder / "log.txt").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.findall(r"device: ([\w ().+-]{1,80}, precision \w{1,8})$", log, re.MULTILINE)
    return found[-1] if found else None


def _evaluation(run: Run) -> dict[str, Any]:
    report = run.evaluation()
    try:
        space = {name: value for name, value in report["space"].items() if name not in LEFT_OUT}
        kept = {name: report.get(name) for name in ("test", "zero_shot_auroc", "zero_shot", "missing")}
    except (KeyError, AttributeError) as error:
        raise ArtefactError(f"The evaluation of run {run.id[:8]} is not of our form: evaluate it again.") from error
    return {**kept, "space": space}
