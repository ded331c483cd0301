"""Search: which settings do better, and which of them matter?"""

from __future__ import annotations

import typing
from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.config.command import command_of
from core.config.encoders import ENCODERS
from core.config.presets import PRESETS, preset
from core.config.run import RunConfig
from core.config.search import JUDGED, SearchConfig
from core.demands import check_search
from core.errors import FluoroscopeError
from core.pictures.search import HELP, TITLES, pictures, searched, setting_names
from core.recipes.work import SearchPicture
from core.runs import Run
from core.searches import Search, Trial, best_of, list_searches
from core.studies.study import load_studies
from core.work import duration
from core.workspace import home
from dashboard import cached, selection, status
from dashboard.showing import present
from dashboard.space_form import space_form
from dashboard.widgets import form, header, plain, theme

ENDED = ("complete", "pruned", "failed")
OTHER = "other"
TRAINED = [name for name in PRESETS if preset(name, study="demo", encoder="lite").losses]
"""Presets that train something: in the others there is nothing to search."""


def card(search: Search, trials: Sequence[Trial]) -> None:
    """How it stands, why it failed, and what can be done about it."""
    state, config = search.state(), search.config
    with st.container(border=True):
        left, right = st.columns([4, 1], vertical_alignment="center")
        what = f"{config.base.preset} · {config.base.encoder.key} · {config.base.study}"
        left.markdown(f"**{plain(search.id)}** · {plain(what)} &nbsp; {status.badge(state)}")
        ended = [one for one in trials if one.state in ENDED]
        st.progress(min(1.0, len(ended) / config.trials), text=standing(search, trials, ended))
        if state.busy:
            _while_running(search, right)
        elif not state.done:
            if state.failed:
                st.error(status.reason(search, state))
            if right.button("Go on", key=f"go-{search.id}", icon=":material/replay:", width="stretch"):
                _start(search, 1)
        with st.expander("Log", expanded=False):
            st.code(search.log_tail() or "Nothing yet.", language=None, wrap_lines=True)


def standing(search: Search, trials: Sequence[Trial], ended: Sequence[Trial]) -> str:
    """``12 of 20 trials (3 pruned, 1 failed) · 2 at work · about 4 min to go``"""
    counts = {state: sum(one.state == state for one in trials) for state in ("pruned", "failed", "running")}
    some = ", ".join(f"{counts[state]} {state}" for state in ("pruned", "failed") if counts[state])
    words = f"{len(ended)} of {search.config.trials} trials{f' ({some})' if some else ''}"
    if waiting := sum(one.state == "interrupted" for one in trials):
        return f"{words} · {waiting} interrupted: the next worker goes on with it"
    if not search.state().busy:
        return words
    took = [one.seconds for one in ended if one.seconds]
    left = search.config.trials - len(ended)
    if not left:
        return f"{words} · the best one's run goes through all stages"
    words += f" · {counts['running']} at work"
    if not took:
        return words
    return f"{words} · about {duration(left * sum(took) / len(took) / len(search.running() or [1]))} to go"


def _while_running(search: Search, place: Any) -> None:
    if place.button("Stop", key=f"stop-{search.id}", icon=":material/stop_circle:", width="stretch"):
        search.stop()
        st.toast("Asked to stop: trials under way go on from where they are at the next start.")
    workers = len(search.running())
    if place.button(
        f"{workers} worker{'s' * (workers > 1)}: add one",
        key=f"more-{search.id}",
        icon=":material/add:",
        width="stretch",
    ):
        _start(search, workers + 1)


def _start(search: Search, workers: int) -> None:
    try:
        search.start(workers)
    except FluoroscopeError as error:
        st.warning(plain(str(error)))
        return
    st.rerun()


def best_settings(config: SearchConfig, trials: Sequence[Trial]) -> None:
    """The best trial, its settings, and where to go with it."""
    best = best_of(list(trials), maximised=config.maximised)
    if best is None or best.run is None or best.value is None:
        return
    names = setting_names([one.path for one in config.space])
    st.subheader(f"Best: {best.value:.4f} {JUDGED[config.judged]}, trial {best.number}", anchor=False)
    st.markdown(
        " &nbsp; ".join(f"{plain(names[path])} **{plain(searched(own))}**" for path, own in best.parameters.items())
    )
    run = Run(home() / "runs" / best.run)
    with st.container(horizontal=True):
        for title, view, name, icon in (
            ("Its curves", "curves", "curves", "show_chart"),
            ("Its diseases", "diseases", "runs", "fact_check"),
        ):
            ready = view == "curves" or run.has("evaluate")
            if st.button(title, icon=f":material/{icon}:", key=f"best-{view}", disabled=not ready):
                selection.put(name, run.id)
                st.switch_page(f"views/{view}.py")
    if (run.folder / "config.json").is_file():
        st.code(command_of(run.config), language="bash", wrap_lines=True)


def table(config: SearchConfig, trials: Sequence[Trial]) -> None:
    """Every trial; its run's curves are a click away."""
    names = setting_names([one.path for one in config.space])
    judged = JUDGED[config.judged]
    rows = [
        {
            "Trial": one.number,
            "State": one.state,
            judged: one.value,
            "Curves": f"/curves?curves={one.run}" if one.run else None,
            **{names[path]: searched(one.parameters[path]) for path in names if path in one.parameters},
            "Epochs": max(one.values, default=0),
            "Why": one.reason,
        }
        for one in reversed(trials)
    ]
    columns = {
        judged: st.column_config.NumberColumn(format="%.4f"),
        "Curves": st.column_config.LinkColumn(display_text="look"),
        "Why": st.column_config.TextColumn(width="large"),
    }
    st.dataframe(
        rows, hide_index=True, width="stretch", column_config=columns, key=f"trials-{config.name}", placeholder=""
    )


def draw(search: Search) -> None:
    """All of one search."""
    trials = cached.trials(search)
    card(search, trials)
    if not trials:
        st.info("No trial has begun yet.", icon=":material/hourglass_empty:")
        return
    best_settings(search.config, trials)
    made = pictures(search.config, trials, search.importances(), theme=theme())
    for pair in (("history", "epochs"), ("slices", "importances")):
        for place, name in zip(st.columns(2 if pair[0] == "history" else [3, 2]), pair, strict=True):
            with place:
                st.markdown(f"**{TITLES[name]}**")
                recipe = SearchPicture(search=search.id, part=name)
                present(recipe, key=f"search-{name}", figure=made[name][0], help=HELP[name])
    table(search.config, trials)


def new_search() -> None:
    """The form of a new search, and its start."""
    try:
        config, workers = settings()
    except FluoroscopeError as error:
        st.error(plain(str(error)))
        return
    if not st.button("Start the search", type="primary", icon=":material/manage_search:"):
        return
    try:
        check_search(config)
        Search.begin(config, workers)
    except FluoroscopeError as error:
        st.error(plain(str(error)))
        return
    selection.put("search", config.name)
    st.rerun()


def settings() -> tuple[SearchConfig, int]:
    """What does not vary, what does, how often, and by how many workers."""
    base = choose()
    first, second, third, fourth = st.columns(4)
    taken = {one.id for one in list_searches()}
    start = f"{base.preset}-{base.study}"[:60]
    free = next(name for name in (start, *(f"{start}-{at}" for at in range(2, 9999))) if name not in taken)
    name = first.text_input("Name", free, key=f"search-name-{free}", help="a-z, 0-9, '.', '-', '_'").strip()
    trials = second.number_input("Trials", 1, 100_000, 20, key="search-trials", help="pruned and failed ones count")
    judged = third.selectbox("Judged by", list(JUDGED), format_func=JUDGED.__getitem__, key="search-judged")
    workers = fourth.number_input("Workers", 1, 64, 1, key="search-workers", help="trials at the same time")
    space = space_form(base, weights=judged != "loss", key=f"search-{base.preset}-{judged}")
    varied = [one.path.rpartition(".")[2] for one in space]
    with st.expander("Settings that do not vary, and how the search goes"):
        left, middle, right = st.columns(3)
        for column, main in ((left, True), (middle, False)):
            with column:
                base = typing.cast(RunConfig, form(base, key=f"search-base-{base.preset}-{main}", main=main,
                                                   but=(*NAMED, *varied)))  # fmt: skip
        with right:
            sampler = st.selectbox("Sampler", ["tpe", "random"], key="search-sampler", help=HELPS["sampler"])
            pruner = st.selectbox("Pruner", ["median", "hyperband", "none"], key="search-pruner", help=HELPS["pruner"])
            seed = st.number_input("Seed of the search", 0, 2**31, 0, key="search-seed", help=HELPS["seed"])
    config = SearchConfig.from_json(
        {
            "name": name, "base": base.to_json(), "space": [one.to_json() for one in space], "trials": int(trials),
            "judged": judged, "sampler": sampler, "pruner": pruner, "seed": int(seed),
        }
    )  # fmt: skip
    return config, int(workers)


HELPS = SearchConfig.help()
NAMED = ("study", "preset", "label", "encoder")
"""Settings that have widgets of their own here, or none."""


def choose() -> RunConfig:
    """Study, encoder and preset: the settings that all trials start from."""
    names = [study.name for study in load_studies()]
    first, second, third = st.columns(3)
    with first:
        options = names if "demo" in names else [*names, "demo"]
        study = selection.one("Study", options, name="search-study", always_in_url=True)
    with second:
        key = selection.one(
            "Encoder",
            [*ENCODERS, OTHER],
            name="search-encoder",
            format_func=lambda one: "another …" if one == OTHER else one,
        )
        if key == OTHER:
            key = st.text_input("open_clip NAME/TAG, hf-hub:org/name, or folder", key="search-other").strip()
    with third:
        start = selection.one("Preset", TRAINED, name="search-preset", default="orthogonal")
    return preset(start, study=study, encoder=key)


def page() -> None:
    header("Search", "Which settings do better, and which of them matter? Judged on validation, never on test.")
    searches = {one.id: one for one in list_searches()}
    if searches:
        chosen = selection.one("Search", list(searches), name="search", always_in_url=True)
        search = searches[chosen]

        @st.fragment(run_every=2.0)
        def live() -> None:
            draw(search)

        live()
    else:
        st.info("No search yet: start one below.", icon=":material/manage_search:")
    with st.expander("New search", expanded=not searches, icon=":material/add:"):
        new_search()


page()
