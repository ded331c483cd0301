"""Which radiograph is looked at: radiographs with boxes, those that a run finds, and those that it misses."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name
from dashboard import cached, selection
from dashboard.thumbnails import thumbnails
from dashboard.widgets import findings_of, label, plain

SHOWN, WIDTH = 6, 132
KINDS = {"boxes": "With boxes", "found": "Found with most confidence", "missed": "Missed by most"}


def candidates(run: Run, study: Study, finding: str) -> int | None:
    """Radiographs that are worth a look for a disease, to click on.

    Args:
        run: whose confidence counts.
        study: of the run.
        finding: the disease; empty: a text is looked for, and any radiograph will do.

    Returns:
        The row of the first one, which is shown where none was chosen; None: there is none.
    """
    lists = _lists(run, study, finding)
    offered = [kind for kind in KINDS if len(lists[kind])]
    if not offered:
        what = f"is labelled {plain(display_name(finding))}" if finding else "is known"
        st.caption(f"No judged radiograph {what}: choose one by its id.")
        return None
    kind = selection.one(
        "Radiographs", offered, name="attention-list", draw=st.segmented_control, format_func=KINDS.get,
        help=f"Judged radiographs with the disease; found and missed as {label(run)} sees them.",
    )  # fmt: skip
    rows = lists[kind][:SHOWN].tolist()
    probabilities = _probabilities(run, finding) if finding else None
    words = [
        findings_of(study, row)
        if probabilities is None
        else f"**{probabilities[row]:.2f}** · {findings_of(study, row)}"
        for row in rows
    ]
    thumbnails(study, rows, words, key=f"attention-{kind}", width=WIDTH, together=SHOWN)
    return int(rows[0])


def _lists(run: Run, study: Study, finding: str) -> dict[str, NDArray[np.int64]]:
    marked = study.boxes if not finding else study.boxes[study.boxes["finding"] == finding]
    rows = dict.fromkeys(study.places[name] for name in marked["id"].tolist() if name in study.places)
    boxed = np.array(list(rows), np.int64)
    if not finding:
        return {"boxes": boxed, "found": study.judged_rows()[:0], "missed": study.judged_rows()[:0]}
    judged = study.judged_rows()
    positive = judged[study.labels[judged, study.findings.index(finding)] == 1]
    order = np.argsort(-_probabilities(run, finding)[positive], kind="stable")
    found, missed = positive[order], positive[order[::-1]]
    return {"boxes": boxed, "found": found, "missed": missed}


def _probabilities(run: Run, finding: str) -> NDArray[np.float64]:
    found: NDArray[np.float64] = cached.predictions(run)[f"probability:{finding}"].to_numpy(np.float64)
    return found
