"""Ablation: which setting makes a difference, and is it larger than chance?"""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from core.ablation.folder import Ablation, list_ablations
from core.ablation.grids import GRIDS, ablation
from core.ablation.numbers import METRICS, WAITING, Row, Table, compare
from core.ablation.table import number, to_csv, to_latex
from core.config.ablation import AblationConfig
from core.config.encoders import ENCODERS
from core.errors import FluoroscopeError
from core.pictures.ablation import forest
from core.published import LINES, MARK
from core.recipes.work import AblationForest
from core.slurm.placing import Place
from core.studies.study import load_studies
from dashboard import cached, clusters, selection, status
from dashboard.showing import present
from dashboard.widgets import guarded, header, plain, theme


def choose() -> Ablation | None:
    """The ablation to look at; None where there is none yet."""
    found = {one.id: one for one in list_ablations()}
    if not found:
        st.info(
            "No ablation yet. An ablation trains several configurations with several seeds, one run after another, "
            "and says which differences are larger than chance. Start one below, or on the command line: "
            "`python -m scripts.ablate --preset demo`.",
            icon=":material/hourglass_empty:",
        )
        return None
    return found[selection.one("Ablation", list(found), name="ablation", always_in_url=True)]


@st.fragment(run_every=2.0)
def live(name: str, seen: tuple[int, bool]) -> None:
    """Its state; the whole page is drawn again when a run is done or the work ends."""
    job = Ablation.load(name)
    guarded(lambda: status.ablation_card(job))
    if marks(job) != seen:
        st.rerun()


def marks(job: Ablation) -> tuple[int, bool]:
    """What the rest of the page depends on."""
    return sum(cell.done for cell in job.cells), job.state().busy


def results(job: Ablation) -> None:
    """The table, its figure, its downloads."""
    labels = [variant.label for variant in job.config.variants]
    left, right = st.columns(2)
    with left:
        metric = selection.one("Measure", list(METRICS), name="metric", format_func=lambda key: METRICS[key].title)
    with right:
        baseline = selection.one("Baseline", labels, name="baseline")
    table = compare(cached, job, cached.study(job.config.study), baseline=baseline, metric=metric)
    tell_missing(table)
    st.dataframe(frame(table), hide_index=True, width="stretch", column_config=column_config(table), placeholder="–")
    spread = " Patients vary in these intervals, seeds do not: their spread stands beside the mean (±)."
    st.caption(
        f"{plain(table.how)}{spread if METRICS[metric].resampled else ''} {METRICS[metric].better.capitalize()} is "
        "better. Click a head to sort."
    )
    present(
        AblationForest(ablation=job.id, metric=metric, baseline=baseline),
        key="ablation-forest",
        figure=forest(table, theme=theme()),
        help="Dots: means over seeds. Bars: 95 % intervals. Small marks: seed by seed. Left of 0: lower than baseline.",
    )
    downloads(table)


def tell_missing(table: Table) -> None:
    """Runs that do not count, and why; those that wait for their turn need no list."""
    told = [
        f"{row.label}, seed {seed}: {why}"
        for row in table.rows
        for seed, why in row.lacking.items()
        if why not in WAITING
    ]
    if told:
        st.warning(plain("\n".join(["Without a result; missing below, never 0:", *told])))


def frame(table: Table) -> pd.DataFrame:
    """Configurations, the chosen measure with its difference, what differs in them, then all other measures."""
    made = pd.DataFrame([_line(table, row) for row in table.rows])
    for path in map(_short, table.paths):  # numbers sort as numbers
        as_numbers = pd.to_numeric(made[path], errors="coerce")
        made[path] = as_numbers if as_numbers.notna().all() else made[path]
    return made


def _line(table: Table, row: Row) -> dict[str, object]:
    own, made = row.summaries[table.metric], row.difference
    title = METRICS[table.metric].title
    line: dict[str, object] = {"Configuration": row.label, title: own.mean, f"± {title}": own.sd}
    line |= {
        "Difference": made.value if made else math.nan,
        "95 % of it": _ends(made.low, made.high, signed=True) if made else "baseline",
        "p (Holm)": made.p_holm if made else math.nan,
        "Beyond chance": "" if made is None or math.isnan(made.p_holm) else "yes" if made.beyond_chance else "no",
        "Seeds": f"{own.n} of {row.planned}",
    }
    line |= {_short(path): value for path, value in zip(table.paths, row.settings, strict=True)}
    line["95 % over seeds"] = _ends(own.low, own.high)
    line["95 % over patients"] = _ends(own.patients_low, own.patients_high)
    for name, metric in METRICS.items():
        if name != table.metric and any(one.summaries[name].n for one in table.rows):
            line |= {metric.title: row.summaries[name].mean, f"± {metric.title}": row.summaries[name].sd}
    return line


def _short(path: str) -> str:
    """A path in a column's head: two settings of a run have the same last part only where their parents differ."""
    return path.replace(".", " · ").replace("_", " ")


def _ends(low: float, high: float, *, signed: bool = False) -> str:
    return "–" if math.isnan(low) else f"{number(low, signed=signed)} to {number(high, signed=signed)}"


def column_config(table: Table) -> dict[str, object]:
    """Formats and help; every column can be sorted by a click on its head."""
    made: dict[str, object] = {
        "Configuration": st.column_config.TextColumn(pinned=True),
        "Seeds": st.column_config.TextColumn(help="with a value, of those planned"),
        "95 % over seeds": st.column_config.TextColumn(help="of the mean, Student's t: other seeds, same patients"),
        "95 % over patients": st.column_config.TextColumn(help="bootstrap: other patients, these trained models"),
        "Difference": st.column_config.NumberColumn(format="%+.3f", help=f"to {table.baseline}"),
        "p (Holm)": st.column_config.NumberColumn(format="%.3f", help=f"for {table.comparisons} comparisons"),
    }
    spread = st.column_config.NumberColumn("±", format="%.3f", help="standard deviation over seeds")
    for metric in METRICS.values():
        words = f"{metric.help}; {metric.better} is better"
        made |= {metric.title: st.column_config.NumberColumn(format="%.3f", help=words), f"± {metric.title}": spread}
    return made


def downloads(table: Table) -> None:
    with st.container(horizontal=True):
        for form, make, kind in (("CSV", to_csv, "text/csv"), ("LaTeX", to_latex, "application/x-tex")):
            st.download_button(
                f"Table as {form}",
                data=make(table),
                file_name=f"fluoroscope_ablation_{table.name}.{'tex' if form == 'LaTeX' else 'csv'}",
                mime=kind,
                icon=":material/download:",
                on_click="ignore",
            )


def published() -> None:
    """What others reported, apart from what was measured here."""
    st.subheader("For reference", anchor=False)
    st.caption(f":orange-badge[{MARK}] &nbsp; [2nd]: quoted second hand. On other data than yours they say little.")
    lines = [{"Model": line.title, "AUROC": line.value, "Measured on": line.measured_on} for line in LINES]
    with st.expander("Published mean AUROC"):
        st.dataframe(
            pd.DataFrame(lines),
            hide_index=True,
            width="stretch",
            column_config={"AUROC": st.column_config.NumberColumn(format="%.3f")},
        )


def launch_form(*, expanded: bool) -> None:
    """A named grid, a study, seeds: one click starts all runs."""
    with st.expander("Start an ablation", expanded=expanded, icon=":material/play_circle:"):
        names = [study.name for study in load_studies()]
        first, second, third, fourth = st.columns([2, 2, 3, 1])
        grid = first.selectbox("Grid", list(GRIDS), key="ablation-grid")
        study = second.selectbox(
            "Study", names if "demo" in names else [*names, "demo"], key="ablation-study", help="demo builds itself"
        )
        encoders = third.multiselect("Encoders", list(ENCODERS), GRIDS[grid].encoders, key=f"ablation-encoders-{grid}")
        seeds = int(fourth.number_input("Seeds", 1, 20, 3, key="ablation-seeds"))
        st.caption(plain(GRIDS[grid].summary))
        try:
            config = ablation(grid, study=study, seeds=range(seeds), vary={"encoder": encoders} if encoders else {})
        except FluoroscopeError as error:
            st.error(plain(str(error)))
            return
        runs = len(config.variants) * seeds
        place = clusters.where("ablation")
        ready = bool(encoders) and place is not None
        if st.button(f"Start {runs} runs", type="primary", icon=":material/play_circle:", disabled=not ready) and place:
            launch(config, place)


def launch(config: AblationConfig, place: Place) -> None:
    try:
        made = Ablation.begin(config, place)
    except FluoroscopeError as error:
        st.error(plain(str(error)))
        return
    selection.put("ablation", made.id)
    st.toast(f"Started {made.id}: it goes on when this page is closed.")
    st.rerun()


def page() -> None:
    header("Ablation", "Which setting makes a difference, and is that difference larger than chance?")
    job = choose()
    if job is not None:
        live(job.id, marks(job))
        if any(cell.done for cell in job.cells):
            guarded(lambda: results(job))
        published()
    launch_form(expanded=job is None)


page()
