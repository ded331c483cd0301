"""Where probabilities are cut, as the page asks for it: a rule for all findings, and one finding's own slider."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.errors import ConfigError
from core.metrics.cutting import TARGETED, Cut
from core.metrics.thresholds import Threshold
from core.studies.study import Study
from core.studies.vocabulary import display_name
from dashboard import selection
from dashboard.widgets import plain

RULES = {
    "f1": "Best F1",
    "youden": "Youden's J",
    "sensitivity": "A sensitivity …",
    "specificity": "A specificity …",
    "fixed": "0.5",
    "own": "One value …",
}
TARGETS = ("0.8", "0.9", "0.95")
FEW = 3
"""So many notes are read at once."""

NAME = "own-{}"
"""Of a finding's own threshold in the URL."""


def rule() -> str:
    """The rule for all findings, in words that a recipe takes."""
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        chosen = selection.one(
            "Threshold",
            list(RULES),
            name="rule",
            format_func=RULES.get,
            help="Rules look at the validation split alone.",
        )
    with right:
        if chosen in TARGETED:
            target = selection.one(
                f"{chosen.capitalize()} to reach", TARGETS, name="target", default="0.9", draw=st.segmented_control
            )
            return f"{chosen}:{target}"
        if chosen == "own":
            value = selection.number("Threshold for all findings", 0.0, 1.0, name="threshold", default=0.5, step=0.01)
            return f"{value:g}"
    return chosen


def own_thresholds(study: Study) -> tuple[str, ...]:
    """Thresholds of single findings out of the URL, as recipes take them; what is none is left out."""
    given = [(name, selection.get(NAME.format(name))) for name in study.findings]
    words = [f"{name}={value}" for name, value in given if value is not None]
    return tuple(one for one in words if _readable(one))


def _readable(words: str) -> bool:
    try:
        Cut.read("fixed", [words])
    except ConfigError:
        return False
    return True


def slider(finding: str, by_rule: Threshold) -> None:
    """The threshold of one finding; moved, it stands in place of the rule's until it is given back."""
    name, start = NAME.format(finding), round(by_rule.value, 4)
    selection.number(
        f"Threshold of {plain(display_name(finding))}", 0.0, 1.0, name=name, default=start, step=0.001,
        kind=f"{start:g}", format="%.3f",
        help="Starts at the threshold of the rule. The matrices above and the radiographs below follow.",
    )  # fmt: skip
    if selection.get(name) is not None:
        if st.button("Back to the rule's", icon=":material/undo:", key=f"back-{finding}"):
            selection.drop(name)
            st.rerun()
    elif by_rule.note:
        st.caption(plain(f"{by_rule.note}."))


def notes(study: Study, chosen: Sequence[Threshold]) -> None:
    """Why thresholds are not what the rule would have chosen, or what it took to choose them."""
    noted = zip(study.findings, chosen, strict=True)
    found = [f"{display_name(name)}: {threshold.note}." for name, threshold in noted if threshold.note]
    if len(found) > FEW:
        with st.expander(f"{len(found)} thresholds come with a note"):
            st.caption("  \n".join(plain(note) for note in found))
    elif found:
        st.caption(plain(" ".join(found)))
