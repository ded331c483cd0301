"""What a search's worker writes for readers without optuna: ``trials.json`` and ``importances.json``."""

from __future__ import annotations

from typing import Any

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from core.files import write_json
from core.searches import Search

STATES = {
    TrialState.RUNNING: "running",
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
NEEDED = 10
"""Complete trials from which importances are told: of fewer they are noise."""

MOST = 200
"""Epochs of a trial that are told; the journal has them all, but this is written again and again."""

GOOD = 5
"""Good trials that the evaluator needs at least (its documentation)."""


def report(study: optuna.Study, search: Search) -> None:
    """Write both files as the study stands; the caller holds the lock of the claims, so that none is older."""
    trials = study.get_trials(deepcopy=False)
    write_json(search.folder / "trials.json", {"trials": [_row(one, search) for one in trials]})
    complete = sum(one.state == TrialState.COMPLETE for one in trials)
    known = search.importances().get("trials")
    if complete != known:
        values = importances(study, complete) if complete >= NEEDED else {}
        write_json(
            search.folder / "importances.json",
            {"trials": complete, "needed": NEEDED, "values": values},
        )


def importances(study: optuna.Study, complete: int) -> dict[str, float]:
    """The share of each setting in what tells good trials from all (PED-ANOVA; Watanabe, Bansal & Hutter, IJCAI 2023).

    Args:
        study: with ``complete`` complete trials; the best tenth of them, at least five, are the good ones.

    Returns:
        shares from 0 to 1, which sum to 1, by dotted path.
    """
    evaluator = PedAnovaImportanceEvaluator(target_quantile=max(0.1, GOOD / complete))
    return {path: float(share) for path, share in get_param_importances(study, evaluator=evaluator).items()}


def thinned(values: dict[int, float], most: int = MOST) -> dict[int, float]:
    """At most so many of the values by epoch, evenly spread, the last one among them."""
    step = -(-len(values) // most) or 1
    return dict(sorted(values.items())[::-1][::step][::-1])


def _row(trial: FrozenTrial, search: Search) -> dict[str, Any]:
    told = trial.user_attrs
    run = told.get("run")
    made = run is not None and (search.folder.parent.parent / "runs" / run / "config.json").is_file()
    return {
        "number": trial.number,
        "state": STATES[trial.state],
        "value": trial.value,
        "parameters": trial.params,
        "run": run if made else None,
        "values": thinned(trial.intermediate_values),
        "reason": told.get("reason") or "",
        "seconds": trial.duration.total_seconds() if trial.duration else None,
    }
