"""A run that is there, with changes, in the Train view: the form is filled from its settings."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.config.encoders import ENCODERS, resolve_encoder
from core.config.run import RunConfig
from core.errors import FluoroscopeError
from core.runs import list_runs
from core.studies.study import study_names
from dashboard import selection
from dashboard.widgets import label, plain


def again(settings: Callable[[RunConfig, str], RunConfig]) -> RunConfig | None:
    """The settings of another run, changed by the user; None where there is none, or something is not allowed.

    Args:
        settings: draws the form of a config, with a key of its own, and returns what the user made of it.
    """
    runs = {run.id: run for run in list_runs()}
    if not runs:
        st.info("No run yet: train one first.", icon=":material/hourglass_empty:")
        return None
    first, second, third = st.columns(3)
    with first:
        run = runs[
            selection.one(
                "Run", list(runs), name="train-from", always_in_url=True, format_func=lambda one: label(runs[one])
            )
        ]
    own = run.config
    with second:
        names = study_names()
        options = names if own.study in names else [own.study, *names]
        study = selection.one("Study", options, name=f"again-study-{run.id}", default=own.study)
    with third:
        keys = [own.encoder.key, *(key for key in ENCODERS if key != own.encoder.key)]
        encoder = selection.one("Encoder", keys, name=f"again-encoder-{run.id}", default=own.encoder.key)
    st.caption(f"A new run with the settings of {plain(label(run))}; that one stays as it is.")
    try:
        made = own.replace(study=study, label=run.label() or own.label)
        if encoder != own.encoder.key:
            made = made.replace(encoder=resolve_encoder(encoder))
        return settings(made, f"settings-{run.id}")
    except FluoroscopeError as error:
        st.error(plain(str(error)))
        return None
