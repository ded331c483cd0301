"""Figures on a page, with one line of help and their export menu."""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.errors import ConfigError
from core.figures.export import FORMATS, chromium_available, figure_bytes, figure_csv, file_name
from core.recipes.base import Recipe
from core.report import folder as reports
from core.report.entry import Entry
from dashboard import cached, selection
from dashboard.components.plot import Report, plot
from dashboard.widgets import theme


def show(
    figure: go.Figure,
    *,
    key: str,
    alt: str,
    name: Sequence[str],
    height: int | None = None,
    encloses: bool = False,
    turns: bool = False,
    group: str | None = None,
    moment: int | None = None,
    legend: bool = True,
    react: Callable[[Report], None] | None = None,
    help: str = "",
    csv: Callable[[], bytes] | None = None,
    entry: Entry | None = None,
) -> None:
    """A figure with one line of help and its export menu.

    Args:
        figure: what to show.
        key: stable over reruns.
        alt: the figure in words.
        name: parts of the exported file's name, such as ("similarity", "prompts", run title).
        height: in CSS pixels.
        encloses: whether a lasso is told, too.
        turns: whether it is told from where a scene is seen, too.
        group: figures of a group turn and play together, and ring what the pointer is over in one of them.
        moment: number of the frame at which a figure with frames stands.
        legend: whether its legend is seen on the page, too, not in exports alone.
        react: is told what was done to the figure, such as a click, before the page is drawn anew.
        help: how to read it.
        csv: makes the CSV where that holds more than the figure draws.
        entry: what a report keeps of it.
    """
    plot(
        figure,
        key=key,
        alt=alt,
        height=height,
        encloses=encloses,
        turns=turns,
        group=group,
        moment=moment,
        legend=legend,
        react=react,
        file_name=file_name(name, "svg").removesuffix(".svg"),
    )
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right"):
        if help:
            st.caption(help, width="stretch")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):  # the two stay side by side
            with st.popover("Export", icon=":material/download:", width="content"):
                _exports(figure, key, name, csv)
            if entry is not None:
                _reporting(entry, key)


def _reporting(entry: Entry, key: str) -> None:
    """The figure's way into the report, and that it is there."""
    report = _current_report()
    inside = entry.key in cached.report_keys(report)
    st.button(
        "In the report" if inside else "Add to report",
        key=f"report-{key}",
        icon=":material/playlist_add_check:" if inside else ":material/playlist_add:",
        help=f"Takes it out of report {report.id} again." if inside else f"Puts it into report {report.id}.",
        on_click=report.remove if inside else report.add,
        args=(entry.key if inside else entry,),
        type="tertiary",
    )


def present(
    recipe: Recipe,
    *,
    key: str,
    figure: go.Figure | None = None,
    height: int | None = None,
    encloses: bool = False,
    group: str | None = None,
    moment: int | None = None,
    legend: bool = True,
    react: Callable[[Report], None] | None = None,
    help: str = "",
    again: bool = True,
) -> None:
    """The figure of a recipe, with its words, its export menu, and its way into the report.

    Args:
        recipe: what is drawn.
        figure: what is shown where that is more than the recipe says, such as what was found by typed words.
        again: whether the recipe makes this figure, so that a report may have it.
        key, height, encloses, group, moment, legend, react, help: as in :func:`show`.
    """
    entry = Entry(recipe=recipe, palette=tuple(selection.values_of("palette")))
    show(
        recipe.draw(cached, theme()) if figure is None else figure,
        key=key,
        alt=recipe.alt(cached),
        name=recipe.name(cached),
        height=height,
        encloses=encloses,
        group=group,
        moment=moment,
        legend=legend,
        react=react,
        help=help,
        csv=functools.partial(recipe.csv, cached),
        entry=entry if again else None,
    )


def _current_report() -> reports.Report:
    """The report that was looked at last; a link may name what cannot be one."""
    try:
        return reports.Report.named(selection.get("report") or reports.FIRST)
    except ConfigError:
        return reports.Report.named(reports.FIRST)


def _exports(figure: go.Figure, key: str, name: Sequence[str], csv: Callable[[], bytes] | None) -> None:
    """One button per format; a file is made only when its button is pressed."""
    columns = 2 if selection.switch("Two-column width", name=f"wide-{key}") else 1
    rendered = chromium_available()
    if not rendered:
        st.caption(
            "SVG, PDF and PNG need Chromium (`apt-get install chromium fonts-dejavu-core`). HTML and CSV work, and the "
            "camera in the figure's own toolbar saves an SVG from this browser."
        )
    for form in FORMATS:
        st.download_button(
            form.upper(),
            data=csv if csv and form == "csv" else _maker(figure, form, columns),
            file_name=file_name(name, form),
            key=f"export-{key}-{form}",
            disabled=not rendered and form in ("svg", "pdf", "png"),
            on_click="ignore",
            width="stretch",
        )


def _maker(figure: go.Figure, form: str, columns: int) -> Callable[[], bytes]:
    """Makes the file when its button is pressed; where that fails, the page says so and nothing is downloaded."""
    if form == "csv":
        return lambda: figure_csv(figure)
    return lambda: figure_bytes(figure, typing.cast(Any, form), columns=columns)
