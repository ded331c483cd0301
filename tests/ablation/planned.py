"""Ablations without training: plans over runs that are there already, and evaluations with known numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from core.ablation.folder import Ablation
from core.ablation.grids import ablation
from core.files import read_json, write_json
from core.metrics.comparison import PatientScores, Replicated
from core.runs import MANIFESTS, Run
from core.studies.study import Study
from tests.finished import Finished

RECALL = {"recall": {"1": 0.1, "5": 0.5, "10": 0.9}, "median_rank": 4.0}


def of_finished(finished: Finished, *presets: str, name: str = "seen") -> Ablation:
    """An ablation whose runs are the finished ones of these presets, one seed each."""
    grid = ablation("demo", study="tiny", seeds=(0,), name=name)
    known = {variant.label: variant for variant in grid.variants}
    made = Ablation.create(grid.replace(variants=tuple(known[preset] for preset in presets)))
    plan = read_json(made.folder / "config.json")
    runs = {f"{preset} · seed 0": finished.runs[preset] for preset in presets}
    write_json(made.folder / "config.json", plan | {"runs": runs})
    return Ablation(made.folder)


def judge(run: Run, study: Study, **values: float) -> None:
    """Make a run look done, with an evaluation of these values."""
    write_json(run.folder / "study.json",
               {"name": study.name, "fingerprint": study.fingerprint, "split_hash": study.split_hash})  # fmt: skip
    for manifest in MANIFESTS.values():
        write_json(run.folder / manifest, {})
    interval = {name: {"value": values.get(name)} for name in ("auroc", "average_precision")}
    report = {
        "test": {"macro": interval, "overall_mse": values.get("mse")},
        "zero_shot_auroc": {"Edema": values.get("zero_shot"), "Mass": None},
        "space": {
            "prompts": {"mean_abs": values["prompt_cosine"]} if "prompt_cosine" in values else None,
            "gap": values.get("gap"),
            "retrieval": {"image_to_text": RECALL, "text_to_image": RECALL} if "recall" in values else None,
        },
    }
    write_json(run.folder / MANIFESTS["evaluate"], report)


class Known:
    """A source that reads evaluations and resamples nothing: the scores are the evaluation's, shifted a little."""

    replicates = 99

    def evaluation(self, run: Run) -> dict[str, Any]:
        data: dict[str, Any] = read_json(run.folder / MANIFESTS["evaluate"])
        return data

    def patient_scores(self, run: Run, study: Study) -> PatientScores:
        test = self.evaluation(run)["test"]
        values = {"auroc": test["macro"]["auroc"]["value"], "mse": test["overall_mse"]}
        noise = np.linspace(-0.01, 0.01, self.replicates)
        scores = {name: Replicated(value=value, replicates=value + noise) for name, value in values.items()}
        return PatientScores(scores=scores, n_patients=6)


def begun(ablation: Ablation) -> list[Path]:
    """The folders of the runs that were made."""
    return [cell.run.folder for cell in ablation.cells if cell.begun]
