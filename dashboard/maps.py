"""Which map of each run is looked at: its own, one with other settings, or those of the moments of its training."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import streamlit as st

from core.config.run import ProjectionConfig
from core.errors import ArtefactError, ConfigError, FluoroscopeError
from core.maps.asked import WITHOUT, AskedMap, maps_of, same_as_own
from core.pictures.chart import Chart
from core.runs import Run, list_runs
from core.snapshots import no_snapshots, step_name
from core.studies.study import Study
from dashboard import cached, selection, status
from dashboard.widgets import form, plain

OWN, TRAINING, NEW = "own", "training", "new"
KINDS = {OWN: "Each run's own", TRAINING: "Through training", NEW: "With other settings …"}
METHODS = {"umap": "UMAP", "pca": "PCA", "tsne": "t-SNE"}
COARSE = ("method", "dimensions")
FINER = ("engine", "neighbours", "min_dist", "epochs", "perplexity", "repeats")
EVERY = 0.7
"""Seconds between two looks at a map that is being made."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A run's map as it is shown.

    Attributes:
        run: whose.
        stem: its files in the run's folder of projections, see :func:`dashboard.cached.chart`; empty: it has none.
        chart: the map, at the moment that is looked at.
        moments: all moments by their names, where it can be played; else empty.
    """

    run: Run
    stem: str
    chart: Chart
    moments: Mapping[str, Chart] = field(default_factory=dict)

    @property
    def moment(self) -> int | None:
        """The number of the moment that is looked at."""
        return next((at for at, one in enumerate(self.moments.values()) if one is self.chart), None)


def choose(runs: Sequence[Run], place: st.delta_generator.DeltaGenerator) -> str:
    """The widget that says which maps are shown: ``OWN``, ``TRAINING``, or the key of maps that were asked for."""
    asked = {one.id: one for run in runs for one in reversed(maps_of(run))}
    named = {
        OWN: KINDS[OWN],
        TRAINING: KINDS[TRAINING],
        **{key: name(one) for key, one in asked.items()},
        NEW: KINDS[NEW],
    }
    with place:
        kind = selection.one("Map", list(named), name="map", format_func=lambda key: named.get(key, key))
    with st.container():  # always there, so that what follows is not mounted anew when the form comes and goes
        if kind == NEW:
            ask(runs)
    return OWN if kind == NEW else kind


def name(asked: AskedMap) -> str:
    """The settings of a map, as far as they say what it is."""
    config = asked.config
    told = {
        "umap": [f"{config.neighbours} neighbours", f"min. distance {config.min_dist:g}", f"{config.epochs} epochs"],
        "tsne": [f"perplexity {config.perplexity:g}"],
        "pca": [],
    }[config.method]
    told += ["flat"] if config.dimensions == 2 else []
    told += [config.engine] if config.method == "umap" and config.engine != "auto" else []
    told += [f"random state {asked.seed}"] if config.method != "pca" else []
    return ", ".join([METHODS[config.method], *told])


def ask(runs: Sequence[Run]) -> None:
    """The form of a map's settings; its button makes that map of every run that lacks it, in the background."""
    first = runs[0].config
    with st.container(border=True):
        st.caption("The same settings for each of these runs; every map is laid over the study's first one.")
        try:
            columns = st.columns(2)
            with columns[0]:
                config = typing.cast(ProjectionConfig, form(first.projection, key="map-method", main=False, but=FINER))
                seed = int(st.number_input("Random state", 0, 2**31 - 1, first.seed, key="map-seed"))
            with columns[1]:
                silent = (*COARSE, *WITHOUT[config.method])
                config = typing.cast(ProjectionConfig, form(config, key="map-finer", main=False, but=silent))
        except ConfigError as error:
            st.error(plain(str(error)))
            return
        if all(same_as_own(run, config, seed) for run in runs):
            st.info("These are the settings of the runs' own maps: change one to see another map.")
        elif st.button("Draw", type="primary", icon=":material/scatter_plot:"):
            for run in runs:
                begin(AskedMap.of(run, config, seed))
            selection.put("map", AskedMap.of(runs[0], config, seed).id)
            st.rerun()


def begin(asked: AskedMap) -> None:
    """Have it made, unless it is there or under way; why it cannot be stands on the page."""
    if asked.exists or asked.state().busy:
        return
    try:
        asked.start()
    except FluoroscopeError as error:
        st.error(plain(str(error)))


def shown(run: Run, study: Study, kind: str) -> Shown | None:
    """The map of a run; None where there is none, and then the page says why and what to do."""
    if kind == OWN:
        return Shown(run=run, stem="umap", chart=cached.chart(run, study))
    return through_training(run, study) if kind == TRAINING else by_settings(run, study, kind)


def through_training(run: Run, study: Study) -> Shown | None:
    """The maps of the moments that a run kept, at the one that is looked at: at first the last."""
    made = cached.snapshot_maps_of(run)
    if not made:
        why = no_snapshots(run)
        st.info(why or "Its moments are kept, but not on a map yet: the project stage draws them.")
        if why is None and not run.state().busy and st.button("Draw them", key=f"moments-{run.id}"):
            run.start("project")
            st.rerun()
        return None
    moments = {f"epoch {one.epoch:g}": cached.chart(run, study, f"epochs/{step_name(one.step)}") for one in made}
    at = round(moment_share() * (len(made) - 1))
    stem = f"epochs/{step_name(made[at].step)}"
    return Shown(run=run, stem=stem, chart=list(moments.values())[at], moments=moments)


def moment_share() -> float:
    """How much of each training is done at the moment that is looked at: 0 to 1."""
    try:
        return min(1.0, max(0.0, float(selection.get("moment") or 1.0)))
    except ValueError:
        return 1.0  # of an old link


def by_settings(run: Run, study: Study, key: str) -> Shown | None:
    """A map that was asked for; while it is being made, the first picture of it."""
    try:
        asked = AskedMap.load(run.folder / "projections" / key)
    except (ArtefactError, ConfigError):
        others = [one for other in list_runs() for one in maps_of(other) if one.id == key]
        st.info("This run has no map by these settings yet.")
        if others and st.button("Draw it", key=f"ask-{run.id}-{key}", icon=":material/scatter_plot:"):
            begin(AskedMap.of(run, others[0].config, others[0].seed))
            st.rerun()
        return None
    if asked.exists:
        if asked.state().busy:
            under_way(asked, "The map is there; how far it may be believed is being measured.")
        return Shown(run=run, stem=f"{key}/map", chart=cached.chart(run, study, f"{key}/map"))
    state = asked.state()
    if not state.busy:
        st.error(f"{plain(name(asked))}: {plain(state.words)}. {status.reason(asked, state)}")
        if st.button("Draw it again", key=f"again-{run.id}-{key}", icon=":material/refresh:"):
            begin(asked)
            st.rerun()
        return None
    under_way(asked, "Meanwhile its principal components, at once.")
    return Shown(run=run, stem="", chart=cached.first_chart(run, study, asked.config.dimensions))


@st.fragment(run_every=EVERY)
def under_way(asked: AskedMap, words: str) -> None:
    """How far a map is; when there is more to see, the page is drawn anew."""
    measured, there = asked.measured, asked.exists
    if not asked.state().busy or (there and measured) or there != words.startswith("The map is there"):
        st.rerun()
    st.caption(words)
    status.progress(asked)
    if st.button("Stop", key=f"stop-{asked.run_id}-{asked.id}", icon=":material/stop:"):
        asked.stop()
