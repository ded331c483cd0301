"""Train: choose, launch, watch."""

from __future__ import annotations

import typing

import streamlit as st

from core.config.encoders import DESCRIPTIONS, ENCODERS, HOW_TO_NAME
from core.config.presets import ENCODER_OF, PRESETS, preset
from core.config.run import RunConfig
from core.demands import launching, new_run
from core.errors import FluoroscopeError
from core.runs import list_runs
from core.slurm.placing import Place
from core.studies.study import load_studies
from dashboard import clusters, selection, status
from dashboard.again import again
from dashboard.augmenting import augmentation
from dashboard.card_form import brought
from dashboard.judging import judged
from dashboard.run_card import card
from dashboard.widgets import form, guarded, header, plain

OTHER = "other"
MODES = {"train": "Train a model", "again": "Change a run", "judge": "Judge a finished run"}


def choose() -> RunConfig | None:
    """Study, encoder, preset and settings; None where something is not allowed (the page says what)."""
    names = [study.name for study in load_studies()]
    options = names if "demo" in names else [*names, "demo"]
    first, second, third = st.columns(3)
    with first:
        study = selection.one(
            "Study", options, name="train-study", always_in_url=True, help="demo builds itself where it is missing"
        )
    with second:
        name = selection.one("Preset", list(PRESETS), name="train-preset", default="orthogonal")
        st.caption(" ".join((PRESETS[name].__doc__ or "").split()))
    with third:
        key = encoder(name)
    if not key:
        return None
    try:
        return settings(preset(name, study=study, encoder=key), f"settings-{name}")
    except FluoroscopeError as error:
        st.error(plain(str(error)))
        return None


def encoder(preset_name: str) -> str:
    """The key of the encoder; at first that which the preset starts with."""
    own = ENCODER_OF.get(preset_name, "")
    key = selection.one(
        "Encoder",
        [*ENCODERS, OTHER],
        name=f"train-encoder-{own}" if own else "train-encoder",
        default=own or None,
        format_func=lambda name: "another …" if name == OTHER else name,
    )
    st.caption(DESCRIPTIONS.get(key, f"{HOW_TO_NAME[0].upper()}{HOW_TO_NAME[1:]}."))
    if key == OTHER:
        key = st.text_input("Name, or folder on this machine", key="other-encoder").strip()
    return key


def settings(default: RunConfig, key: str) -> RunConfig:
    """The form, made from the config's own classes."""
    with st.container(horizontal=False):
        st.markdown("**Main settings**")
        columns = st.columns(4)
        with columns[0]:
            label = st.text_input("Label", default.label, key=f"{key}.label", help="a free name for lists and figures")
            changed = default.replace(label=label.strip()[:200])
        changed = in_columns(changed, key, columns)
    with st.expander("More settings"):
        changed = typing.cast(RunConfig, form(changed, key=f"{key}.more", main=False))
    return augmentation(changed, key)


def in_columns(config: RunConfig, key: str, columns: list[typing.Any]) -> RunConfig:
    """The main settings, each part of the config in its own column."""
    with columns[0]:
        seed = st.number_input("Seed", 0, 2**31 - 1, config.seed, key=f"{key}.seed", help="of initialisation and order")
    with columns[1]:
        training = form(config.training, key=f"{key}.training", main=True)
    with columns[2]:
        objective = form(config.objective, key=f"{key}.objective", main=True)
    with columns[3]:
        head = form(config.head, key=f"{key}.head", main=True)
        tuning = form(config.tuning, key=f"{key}.tuning", main=True, titles="{} tower learns")
    return config.replace(seed=int(seed), training=training, objective=objective, head=head, tuning=tuning)


def launch(config: RunConfig, place: Place) -> None:
    """Make the run's folder and start its process, here or on a cluster."""
    try:
        with brought(config):
            run = new_run(config)
        with launching(run):
            run.place(place)
            run.start()
    except FluoroscopeError as error:
        st.error(plain(str(error)))
        return
    selection.put("curves", run.id)
    st.toast(f"Started run {run.id[:4]}: it goes on when this page is closed.")


@st.fragment(run_every=2.0)
def listed(archived: bool) -> None:
    """Runs, newest first, live: those in the lists, or those that were put away."""
    runs = list_runs(archived=archived)
    if not runs:
        st.info("No archived runs." if archived else "No runs yet: launch one above.")
    guarded(lambda: status.cards(runs, card, name="all-archived-runs" if archived else "all-runs"))


def page() -> None:
    header("Train", "Which towers, which objective, which study? One click trains, embeds, evaluates and projects.")
    mode = selection.one(
        "What",
        list(MODES),
        name="train-mode",
        draw=st.segmented_control,
        format_func=MODES.get,
        label_visibility="collapsed",
    )
    config = {"train": choose, "again": lambda: again(settings), "judge": judged}[mode]()
    place = clusters.where("train", but=("at_once",))
    ready = config is not None and place is not None
    if st.button("Launch", type="primary", icon=":material/play_circle:", disabled=not ready) and config and place:
        launch(config, place)
    st.subheader("Runs", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link("views/curves.py", label="Watch their curves", icon=":material/show_chart:", width="content")
        away = bool(list_runs(archived=True)) and selection.switch("Archived runs", name="archived-runs")
    listed(away)


page()
