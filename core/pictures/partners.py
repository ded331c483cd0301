"""What the text of a radiograph is for a model, and which pairs count as the same when one is looked for."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.files import read_json
from core.metrics.comparison import REPLICATES, PatientScores, Replicated
from core.metrics.gap import gap_replicates
from core.metrics.retrieval import MOST_PAIRS, WAYS, Searched, search
from core.runs import Run
from core.studies.captions import captions, sentence
from core.studies.study import Study

OWN, MADE = "own text", "made from the findings"
KS = (1, 5, 10)

Pairs = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]
"""Image and text vectors (n, d) of the judged radiographs that have both, and their rows in the study."""


def kind_of_texts(run: Run) -> str | None:
    """:data:`OWN` or :data:`MADE`, as the embed stage wrote it; None where no radiograph has a text."""
    found = read_json(run.folder / "embeddings" / "embeddings.json")["texts"]
    return None if found is None else str(found)


def texts_of(run: Run, study: Study, rows: Iterable[int]) -> list[str]:
    """The texts of some radiographs, as this model has them: their own, or a sentence of their findings."""
    wanted = [int(row) for row in rows]
    if kind_of_texts(run) == MADE:
        return [sentence(study.findings, study.labels[row].tolist()) for row in wanted]
    return [text or "" for text in captions(study, wanted)]


def same_texts(run: Run, study: Study, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number (n,) for each of some radiographs, the same for those of one text.

    By the words, not by the vectors: a model that puts different texts into one place has not found any of them.
    """
    return pd.factorize(np.array(texts_of(run, study, rows), dtype=object))[0]


def searched_pairs(run: Run, study: Study, pairs: Pairs, *, whole: bool = False) -> Searched:
    """Retrieval among the judged pairs of a run, :data:`MOST_PAIRS` of them unless the ``whole`` is wanted.

    Raises:
        InputError: there is no pair.
    """
    images, texts, rows = pairs
    return search(
        images,
        texts,
        study.samples["patient"].to_numpy()[rows],
        groups=same_texts(run, study, rows),
        max_pairs=None if whole else MOST_PAIRS,
        replicates=REPLICATES,
    )


def pair_scores(study: Study, pairs: Pairs, found: Searched) -> PatientScores:
    """The gap, and recall both ways, with their bootstrap replicates over patients; paired between models that have
    texts for the same radiographs."""
    images, texts, rows = pairs
    patients = study.samples["patient"].to_numpy()[rows]
    value, drawn = gap_replicates(images, texts, patients, replicates=REPLICATES)
    scores = {"gap": Replicated(value=value, replicates=drawn)}
    for way in WAYS:
        one = found.measured[way]
        for k in KS:
            if k <= len(found):
                own = Replicated(value=float(one.recall[one.at(k)]), replicates=one.recall_drawn[:, one.at(k)])
                scores[f"recall_{k}_{way}"] = own
    return PatientScores(scores=scores, n_patients=found.measured[WAYS[0]].n_patients)
