"""A run while it trains: where it stands in numbers, and the radiographs that it is looking at."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from core.logbook import Metrics
from core.pictures.curves import GIB
from core.runs import Run
from dashboard import cached, status
from dashboard.widgets import label, plain

ACROSS = 4
"""Radiographs side by side."""

NUMBERS = (
    ("Radiographs/s", "images_per_second", ",.0f", 1.0),
    ("Loss", "loss", ".4f", 1.0),
    ("Validation loss", "validation.loss", ".4f", 1.0),
    ("Validation AUROC", "validation.auroc", ".3f", 1.0),
    ("Learning rate", "learning_rate", ".2e", 1.0),
    ("Gradient norm", "gradient_norm", ".3f", 1.0),
    ("Temperature", "temperature", ".4f", 1.0),
    ("Memory (GiB)", "use.host_bytes", ".2f", 1 / GIB),
    ("Cores at work", "use.cores", ".1f", 1.0),
    ("Accelerator (GiB)", "use.accelerator_bytes", ".2f", 1 / GIB),
    ("GPU busy", "use.accelerator_busy", ".0%", 1.0),
)
"""Name, column of the metrics, form, and factor to the unit of the name."""


def numbers(run: Run) -> None:
    """The newest numbers of a run that is under way; nothing of one that is not."""
    state = run.state()
    if not state.running:
        return
    with st.container(border=True):
        st.markdown(f"**{plain(label(run))}** &nbsp; {status.badge(state)}")
        status.progress(run)
        with st.container(horizontal=True, gap="small"):
            for name, value in _newest(run, cached.metrics(run)):
                st.markdown(f":small[:gray[{plain(name)}]]  \n**{plain(value)}**", width="content")


def _newest(run: Run, metrics: Metrics) -> Iterator[tuple[str, str]]:
    """What is known of the newest step, each with its name and unit."""
    if (epoch := metrics.last("epoch")) is not None:
        yield "Epoch", f"{epoch:.2f} of {run.config.training.epochs:,}"
    for name, column, form, scale in NUMBERS:
        if (value := metrics.last(column)) is not None:
            yield name, f"{value * scale:{form}}"


def seen(run: Run, most: int) -> None:
    """Up to so many radiographs of the newest batch that a run wrote down, as they entered its image tower.

    Raises:
        StudyError: the study is gone, or is another one now.
    """
    study = cached.study(run.config.study, run.config.findings)
    run.check_is_of(study)
    st.markdown(f"**{plain(label(run))}**")
    shown = cached.seen(run, study)
    if shown is None:
        st.caption("This run has not written down a batch: it has not begun to train, or trains nothing.")
        return
    pictures = list(zip(shown.pictures, shown.titles, shown.lines, strict=True))[:most]
    for start in range(0, len(pictures), ACROSS):
        for column, (picture, title, lines) in zip(st.columns(ACROSS), pictures[start:], strict=False):
            words = "  \n".join(plain(line) for line in (title, *lines))
            column.image(picture, caption=words, width="stretch", output_format="PNG")
    st.caption(plain(shown.told))
