"""Compare, in words and numbers: what the data say of each run, which settings differ, all measures with intervals."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.config.paths import differing, settings, shown
from core.figures.export import file_name
from core.metrics.results import Interval
from core.pictures.claims import RULE, Claim
from core.pictures.compared import MEASURES, Measure, Scored, numbers_csv
from core.pictures.source import short
from core.runs import Run
from core.studies.study import Study
from dashboard.widgets import label, plain

SUPPORTED, OPEN, UNKNOWN = (
    ":green[:material/check_circle:]",
    ":orange[:material/do_not_disturb_on:]",
    ":gray[:material/help:]",
)
FOLDED = 16
"""So many settings are listed without a scroll bar."""

KINDS = {"open": OPEN, "unknown": UNKNOWN}
LEGEND = f"{SUPPORTED} the data support it · {OPEN} they do not show a difference · {UNKNOWN} it cannot be said"


def said(found: Sequence[Scored], made: Sequence[Claim]) -> None:
    """The sentences, run by run, those that the data support first."""
    for other in found[1:]:
        with st.container(border=True):
            st.markdown(f"**{plain(label(other.run))}** against {plain(label(found[0].run))}")
            own = [one for one in made if one.run == other.run.id]
            lines = [f"{KINDS.get(one.verdict, SUPPORTED)} {_told(one)}" for one in _in_order(own)]
            lines += [f"{UNKNOWN} {plain(line)}" for line in _unsaid(own)]
            st.markdown("  \n".join(lines))
    st.caption(LEGEND)
    with st.expander("The rule behind these sentences"):
        st.markdown(plain(RULE))
        margins = [f"{one.title} {_margin(one)}" for one in MEASURES.values()]
        st.markdown(plain(f"Margins that count as no difference: {'; '.join(margins)}."))
    st.page_link("views/ablation.py", label="Would other seeds say the same? Ablation", icon=":material/rule:")


def _in_order(own: Sequence[Claim]) -> list[Claim]:
    return [one for one in own if one.verdict not in KINDS] + [one for one in own if one.verdict == "open"]


def _told(one: Claim) -> str:
    """What is said in bold, what it rests on behind it."""
    head, colon, rest = one.sentence.partition(": ")
    return f"**{plain(head)}**{plain(colon + rest)}"


def _unsaid(own: Sequence[Claim]) -> list[str]:
    """What cannot be said, measures with the same reason together."""
    reasons: dict[str, list[str]] = {}
    for one in own:
        if one.verdict == "unknown":
            reasons.setdefault(one.basis, []).append(MEASURES[one.measure].title)
    return [f"{', '.join(titles)}: cannot be said, because {why}." for why, titles in reasons.items()]


def _margin(one: Measure) -> str:
    return f"{100 * one.margin:g} point" if one.points else f"{one.margin:g}"


def configured(runs: Sequence[Run]) -> None:
    """The settings that differ, and, folded away, those that do not."""
    st.subheader("Settings that differ", anchor=False)
    known = [settings(run.config) | {"seed": run.config.seed} for run in runs]
    paths = [*differing([run.config for run in runs])]
    paths += ["seed"] if len({run.config.seed for run in runs}) > 1 else []
    if paths:
        _table(runs, known, paths)
    else:
        st.info("These runs have the same settings and the same seed.")
    if paths == ["seed"]:
        st.caption("Only the seeds differ: what differs below is what chance in training makes of one configuration.")
    same = [path for path in known[0] if path not in paths]
    with st.expander(f"The same in all: {len(same)} settings"):
        _table(runs[:1], known, same, title="All")


def _table(runs: Sequence[Run], known: Sequence[dict[str, object]], paths: Sequence[str], title: str = "") -> None:
    columns = {title or short(run): [shown(own[path]) for path in paths] for run, own in zip(runs, known, strict=False)}
    table = pd.DataFrame({"Setting": list(paths), **columns})
    st.dataframe(table, hide_index=True, width="stretch", height="content" if len(table) < FOLDED else 400)


def measured(found: Sequence[Scored], study: Study) -> None:
    """All measures with their intervals, side by side, and as a file."""
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    left.subheader("Numbers", anchor=False)
    right.download_button(
        "CSV", data=lambda: numbers_csv(found), mime="text/csv", icon=":material/download:", on_click="ignore",
        file_name=file_name(("numbers", study.name, *(one.run.title for one in found)), "csv"), width="stretch",
    )  # fmt: skip
    columns = {
        short(one.run): [_cell(measure, one.interval(name)) for name, measure in MEASURES.items()] for one in found
    }
    titles = [f"{measure.title}{_arrow(measure)}" for measure in MEASURES.values()]
    table = pd.DataFrame({"": titles, **columns, "What it is": [measure.about for measure in MEASURES.values()]})
    st.dataframe(table, hide_index=True, width="stretch", height="content")
    patients = {
        words: sorted({one.n_patients[over] for one in found} - {0})
        for over, words in (("test", "scores"), ("pairs", "gap and recall"))
    }
    told = [f"{words}: {' or '.join(f'{n:,}' for n in counts)}" for words, counts in patients.items() if counts]
    if told:
        st.caption(
            f"In brackets: 95 % intervals from a bootstrap over patients ({'; '.join(told)}). An arrow: which way is "
            "better. Numbers without brackets rest on the weights alone."
        )


def _arrow(measure: Measure) -> str:
    return {"higher": " ↑", "lower": " ↓", None: ""}[measure.better]


def _cell(measure: Measure, found: Interval) -> str:
    value = measure.told(found.value)
    return value if found.low != found.low else f"{value} [{measure.told(found.low)}, {measure.told(found.high)}]"
