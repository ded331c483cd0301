"""Attention: where in a radiograph does a model look?"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.asking.warm import LONGEST
from core.attention.looked import Looked
from core.attention.maps import METHODS, Look, Saliency
from core.pictures import attention as pictures
from core.recipes.attention import Attention
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name
from dashboard import selection
from dashboard.attention import maps_of
from dashboard.attention_boxes import pointing
from dashboard.attention_choice import candidates
from dashboard.radiograph import go_to, row_of
from dashboard.showing import present, show
from dashboard.widgets import findings_of, header, pick_runs, plain, study_of, theme

DISEASE, WORDS = "disease", "words"
NOTE = (
    "A map shows which places move this score, not why, and it is no localisation by itself: compare with the "
    "baselines below. Grad-CAM (convolutional towers) and gradient-weighted roll-out (vision transformers) leave out "
    "what lowers the score. The score is the classifier's logit where a run has a classifier, else a cosine."
)


def target(study: Study) -> tuple[str, str, str]:
    """The disease, or the typed words, and the method."""
    first, second, third = st.columns(3, vertical_alignment="bottom")
    kinds = {DISEASE: "A disease", WORDS: "Typed text"} if study.findings else {WORDS: "Typed text"}
    with first:
        kind = selection.one(
            "Look for", list(kinds), name="attention-for", draw=st.segmented_control, format_func=kinds.get, wrap=True
        )
    with second:
        finding = text = ""
        if kind == DISEASE:
            finding = selection.one("Disease", study.findings, name="attention-finding", format_func=display_name)
        else:
            text = selection.words(
                "Text", name="attention-words", max_chars=LONGEST, placeholder="large left effusion",
                icon=":material/search:", help="Cosine to these words. They are not kept, and stand in no link.",
            )  # fmt: skip
    with third:
        method = selection.one(
            "Method", list(METHODS), name="attention-method", format_func=METHODS.get,
            help="Roll-out follows attention through a vision transformer and knows no score; convolutional towers "
            "have none.",
        )  # fmt: skip
    return finding, text, method


def look(runs: Sequence[Run], study: Study, row: int, wanted: tuple[str, str, str]) -> None:
    """The radiograph, and where each run looks in it."""
    finding, text, method = wanted
    sample = str(study.samples["id"].iloc[row])
    facts = [plain(sample), findings_of(study, row)] if study.findings else [plain(sample)]
    st.markdown(" · ".join([f"**{facts[0]}**", *facts[1:]]))
    controls = st.container(horizontal=True, vertical_alignment="bottom")
    with controls:
        with st.container(width=260):
            opacity = selection.number("Opacity of the map", 0.0, 1.0, name="attention-opacity", default=0.7, step=0.05)
        outlined = bool(len(study.boxes)) and selection.switch("Outline boxes", name="attention-boxes", default=True)
    found: list[tuple[Run, Saliency]] = []
    if finding or text:
        looks = [_look(run, sample, wanted) for run in runs]
        found = maps_of(runs, looks, at_once=bool(text))
    else:
        st.info("Type some words, then Enter.", icon=":material/search:")
    if finding and found:
        recipe = Attention(
            runs=tuple(run.id for run, _ in found), sample=sample, finding=finding, method=method, opacity=opacity,
            outlined=outlined,
        )  # type: ignore[arg-type]  # fmt: skip
        present(
            recipe,
            key="attention-maps",
            help="One scale of colours; the white cross marks the highest place of each map.",
        )
        return
    who = " and ".join(run.title for run, _ in found)
    show(
        pictures.maps(study, sample, found, opacity=opacity, outlined=outlined, theme=theme()),
        key="attention-text",
        alt=f"Radiograph {sample}" + (f", and where {who} looks in it for typed words" if found else ""),
        name=("attention", sample),
    )


def _look(run: Run, sample: str, wanted: tuple[str, str, str]) -> Look:
    finding, text, method = wanted
    return Looked.of(run).look(sample, finding=finding, text=text, method=method)  # type: ignore[arg-type]


def page() -> None:
    header("Attention", "Where in a radiograph does a model look when it scores a disease, or some words?")
    runs = pick_runs("embed", most=3)
    study = study_of(runs)
    wanted = target(study)
    first = candidates(runs[0], study, wanted[0])
    go_to(study)
    row = row_of(study, selection.get("sample"))
    if row is None:
        row = first if first is not None else int(study.judged_rows()[0])
    look(runs, study, row, wanted)
    st.caption(NOTE)
    pointing(runs, study)


page()
