"""Curves: is it learning, and how far from guessing and from the best possible is it?"""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.pictures.curves import AXES, PARTS, QUANTITIES, note
from core.recipes.curves import Curves
from core.runs import Run, list_runs
from dashboard import cached, selection, watching
from dashboard.showing import present
from dashboard.widgets import guarded, header, label, plain, theme

ACROSS = 2
"""Figures side by side."""


def draw(runs: list[Run], look: Curves) -> None:
    """All that these runs have measured; each part of the page keeps its place, whether it has anything to show yet."""
    drawn = 0
    for part, title in PARTS.items():
        place = st.container()
        figures = {
            recipe: figure
            for name, quantity in QUANTITIES.items()
            if quantity.part == part
            and (recipe := look.replace(quantity=name))
            and (figure := recipe.drawn(cached, theme())) is not None
        }
        drawn += len(figures)
        if not figures:
            continue
        place.subheader(title, anchor=False)
        columns = place.columns(ACROSS)
        for number, (recipe, figure) in enumerate(figures.items()):
            with columns[number % ACROSS]:
                present(recipe, key=f"curve-{recipe.quantity}", figure=figure, height=320)
    for run in runs:
        if said := note(cached, run):
            st.caption(plain(f"{label(run)}: {said}"))
    if not drawn:
        waits = all(run.state().state == "waiting" for run in runs)
        why = "an accelerator is awaited" if waits else "towers still look at the radiographs, or nothing is trained"
        st.info(f"No step has been written yet: {why}.")


def settings() -> tuple[str, float]:
    """Along what, and how smooth."""
    first, second = st.columns(2, vertical_alignment="center")
    with first:
        axis = selection.one("Along", list(AXES), name="axis", draw=st.segmented_control, format_func=AXES.__getitem__)
    with second:
        smoothing = selection.number(
            "Smoothing",
            0.0,
            0.99,
            name="smoothing",
            default=0.6,
            step=0.01,
            help="Weight w of the past in an exponential moving average of all values: s ← w s + (1 − w) x, drawn as "
            "s / (1 − wᵗ) after t values, so that the first ones are not drawn towards 0.",
        )
    return axis, smoothing


def page() -> None:
    header("Curves", "Is it learning, and how far is it from guessing and from the best possible?")
    runs = {run.id: run for run in list_runs() if (run.folder / "metrics.jsonl").exists() or run.state().busy}
    if not runs:
        st.info("No run has trained yet. Launch one in the Train view.", icon=":material/hourglass_empty:")
        st.page_link("views/train.py", label="Go to Train", icon=":material/play_circle:")
        return
    chosen = selection.several(
        "Runs",
        list(runs),
        name="curves",
        default=list(runs)[:1],
        always_in_url=True,
        format_func=lambda key: label(runs[key]),
    )
    axis, smoothing = settings()
    with st.container(horizontal=True, gap="medium"):
        log_x, log_y = (selection.switch(f"Log {name}", name=f"log-{name}") for name in "xy")
        looking = selection.switch(
            "What the model sees", name="seen", help="Radiographs of the newest batch, as they enter the image tower."
        )
    shown = [runs[key] for key in chosen]
    look = Curves(runs=tuple(chosen), axis=axis, smoothing=smoothing, log_x=log_x, log_y=log_y)
    alive = any(run.state().busy for run in shown)

    @st.fragment(run_every=2.0 if alive else None)
    def live() -> None:
        for run in shown:
            watching.numbers(run)
        for run in shown if looking else []:
            guarded(partial(watching.seen, run, 2 * watching.ACROSS if len(shown) == 1 else watching.ACROSS))
        draw(shown, look)

    live()
    st.caption(
        "Thick: smoothed (exponential moving average of all values); thin: as measured. Of more steps than a "
        "picture can hold, the least and the largest value of each bin are drawn. Dashed levels: chance and floor of a "
        "loss. The CSV of a figure holds all values, raw and smoothed."
    )


page()
