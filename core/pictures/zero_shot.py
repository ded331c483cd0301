"""What the prompts of a run tell without any training on labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.errors import RunError
from core.figures.theme import LIGHT, Theme
from core.figures.zero_shot import prompt_scores
from core.pictures.missing import no_scores
from core.pictures.source import Source
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name

KINDS = {
    "pos": "POS: cosine to the positive prompts",
    "pnc": "PNC: positive against negative prompts",
    "negative": "control: negative prompts alone",
}


def scores_of(source: Source, run: Run, study: Study) -> dict[str, Any]:
    """The zero-shot part of a run's evaluation.

    Raises:
        RunError: nothing was judged, or by an older version.
    """
    if unjudged := no_scores(study):
        raise RunError(unjudged)
    found = source.evaluation(run).get("zero_shot")
    if found is None:
        raise RunError(
            f"Run {run.id[:8]} was evaluated before zero-shot scores were kept: "
            f"`python -m scripts.embed {run.id[:8]}`, then `python -m scripts.evaluate {run.id[:8]}`."
        )
    data: dict[str, Any] = found
    return data


def prompts(source: Source, run: Run, study: Study, *, theme: Theme = LIGHT) -> go.Figure:
    """POS, PNC and negative prompts alone for each disease, over each template by itself.

    Raises:
        RunError: see :func:`scores_of`.
    """
    found = scores_of(source, run, study)
    rows = source.evaluation(run)["test"]["findings"]
    return prompt_scores(
        [display_name(name) for name in study.findings],
        [(words, np.array(found[kind]["aurocs"], np.float64)) for kind, words in KINDS.items()],
        np.array([one["aurocs"] for one in found["templates"]], np.float64),
        [one["text"] for one in found["templates"]],
        n_positive=[row["positives"] for row in rows],
        theme=theme,
    )


def in_words(found: dict[str, Any]) -> str:
    """One sentence on the negative control and one on the wording."""
    each = np.array([one["aurocs"] for one in found["templates"]], np.float64)
    known = ~np.isnan(each).all(axis=0)
    if not known.any():
        return "No finding has both classes."
    macro = each[:, known].mean(axis=1)
    negative, pos = found["negative"]["macro"]["value"], found["pos"]["macro"]["value"]
    words = (
        f"Over {len(macro)} templates the macro AUROC runs from {macro.min():.3f} to {macro.max():.3f}"
        if len(macro) > 1
        else f"The one template scores {macro[0]:.3f}"
    )
    heard = "reads the negation" if negative < 0.5 else "hears the name of the finding more than its negation"
    return f"{words}. Negative prompts alone score {negative:.3f} (positive ones {pos:.3f}): the model {heard}."
