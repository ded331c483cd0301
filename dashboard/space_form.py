"""The form in which a user says what a search varies."""

from __future__ import annotations

import typing

import streamlit as st

from core.config.run import RunConfig
from core.config.space import Dimension, Kind, default_space, leaves, propose
from core.errors import ConfigError
from core.pictures.search import setting_names
from dashboard import selection
from dashboard.widgets import plain

KINDS: dict[str, str] = {
    "log": "by orders of magnitude",
    "float": "evenly",
    "int": "whole numbers",
    "choice": "choices",
}


def space_form(base: RunConfig, *, weights: bool, key: str) -> tuple[Dimension, ...]:
    """Which settings vary, and between which ends.

    Args:
        base: the settings around whose values ranges are proposed.
        weights: whether weights of losses are proposed, too.
        key: stable over reruns.

    Raises:
        ConfigError: a range or a choice that a setting does not allow; what is allowed is said.
    """
    proposed = {one.path: one for one in default_space(base, weights=weights)}
    known = {**{path: one for path in leaves() if (one := _proposal(base, path))}, **proposed}
    names = setting_names(list(known))
    chosen = selection.several(
        "What varies",
        list(known),
        name=f"{key}-space",
        default=list(proposed),
        format_func=lambda path: names[path],
        help="Any setting of a run. The more there are, the more trials it takes.",
    )
    return tuple(_row(known[path], names[path], f"{key}-{path}") for path in chosen)


def _proposal(base: RunConfig, path: str) -> Dimension | None:
    try:
        return propose(base, path)
    except ConfigError:
        return None  # a name, such as the encoder's: there is nothing to propose


def _row(proposed: Dimension, name: str, key: str) -> Dimension:
    """One setting: how it varies, and between which ends or among which choices."""
    leaf = leaves()[proposed.path]
    columns = st.columns([2, 2, 1, 1], vertical_alignment="bottom")
    columns[0].markdown(f"**{plain(name)}**", help=plain(leaf.rule.help))
    kinds = list(leaf.kinds)
    kind = typing.cast(
        Kind,
        columns[1].selectbox(
            "How", kinds, kinds.index(proposed.kind), key=f"{key}-kind", format_func=lambda one: KINDS[one]
        ),
    )
    if kind == "choice":
        text = columns[2].text_input("Choices", proposed.text.partition(":")[2] if proposed.choices else "",
                                     key=f"{key}-choices", help="with commas between them")  # fmt: skip
        return Dimension.parse(f"{proposed.path}=choice:{text}")
    ends = []
    for column, title, value in ((columns[2], "From", proposed.low), (columns[3], "To", proposed.high)):
        shown = "" if value is None else f"{value:g}"
        ends.append(column.text_input(title, shown, key=f"{key}-{title}").strip())
    return Dimension.parse(f"{proposed.path}={kind}:{ends[0]}:{ends[1]}")
