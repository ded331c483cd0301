"""Curves: is it learning, and how far from guessing and from the best possible is it?"""

from __future__ import annotations

import streamlit as st

from core.pictures.curves import AXES, TITLES, curves, note
from core.runs import Run, list_runs
from dashboard import cached, selection
from dashboard.widgets import header, label, plain, show, theme


def draw(runs: list[Run], axis: str, smoothing: float, log_x: bool, log_y: bool) -> None:
    columns = st.columns(2)
    place = 0
    for quantity, title in TITLES.items():
        figure = curves(cached, runs, quantity, axis=axis, smoothing=smoothing, log_x=log_x, log_y=log_y, theme=theme())
        if figure is None:
            continue
        with columns[place % 2]:
            alt = f"{title} against {AXES[axis].lower()} for {', '.join(label(run) for run in runs)}"
            show(figure, key=f"curve-{quantity}", alt=alt, name=("curves", quantity), height=320)
        place += 1
    for run in runs:
        if said := note(cached, run):
            st.caption(plain(f"{label(run)}: {said}"))
    if not place:
        st.info("No step has been written yet: the towers are still looking at the radiographs, or nothing is trained.")


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
    first, second, third, fourth = st.columns([2, 2, 1, 1], vertical_alignment="center")
    with first:
        axis = selection.one("Along", list(AXES), name="axis", draw=st.segmented_control, format_func=AXES.__getitem__)
    with second:
        smoothing = selection.number("Smoothing", 0.0, 0.99, name="smoothing", default=0.6, step=0.01)
    with third:
        log_x = selection.switch("Log x", name="log-x")
    with fourth:
        log_y = selection.switch("Log y", name="log-y")
    shown = [runs[key] for key in chosen]
    alive = any(run.state().busy for run in shown)

    @st.fragment(run_every=2.0 if alive else None)
    def live() -> None:
        draw(shown, axis, smoothing, log_x, log_y)

    live()
    st.caption(
        "Thick: smoothed (exponential moving average); thin: as measured. Dashed: chance level and floor of a loss."
    )


page()
