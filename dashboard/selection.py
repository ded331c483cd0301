"""What the user is looking at: kept over page changes, and in the URL, so that a link brings a view back.

The only file that touches ``st.session_state`` and ``st.query_params``. A widget that is drawn through this file keeps
its value when the user goes to another view and back; Streamlit alone would forget it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

_KEPT = "kept"
"""Where chosen values live, by name; widgets have keys of their own, because Streamlit drops those with the widget."""

_WORDS = "words"
"""Where typed words live: as chosen values do, but never in the URL."""

_KEYS = "keys"
"""Where the keys of widgets live, by the name whose value they show."""


def restore() -> None:
    """At the start of a session, which opening a link is, take the values from the URL."""
    if _KEPT not in st.session_state:
        st.session_state[_KEPT] = {name: st.query_params.get_all(name) for name in st.query_params}
        st.session_state[_WORDS] = {}
        st.session_state[_KEYS] = {}


def publish() -> None:
    """Write the values into the URL (nothing happens where they are there already)."""
    wanted = {name: value for name, value in _kept().items() if value}
    if {name: st.query_params.get_all(name) for name in st.query_params} != wanted:
        st.query_params.from_dict(wanted)


def _kept() -> dict[str, list[str]]:
    kept: dict[str, list[str]] = st.session_state[_KEPT]
    return kept


def put(name: str, values: Sequence[str] | str | None) -> None:
    """Set a value from code, such as a point that was clicked; its widget, if any, shows it from the next draw on."""
    drop(name)
    _kept()[name] = [values] if isinstance(values, str) else list(values or [])


def drop(name: str) -> None:
    """Forget a value; its widget, if any, starts at its default from the next draw on."""
    _kept().pop(name, None)
    st.session_state[_WORDS].pop(name, None)
    for key in st.session_state[_KEYS].pop(name, ()):
        st.session_state.pop(key, None)


def get(name: str, default: str | None = None) -> str | None:
    """The value of a name that has no widget here."""
    return (_kept().get(name) or [default])[0]


def values_of(name: str) -> list[str]:
    """The values of a name, whether its widget is on the page yet or not."""
    return list(_kept().get(name, []))


def _key(name: str, kind: str = "") -> str:
    """The key of a name's widget; two kinds of widgets that share a name on two pages must not share a key, because
    Streamlit would start the second one anew. It is noted, so that code that sets the value finds the widget."""
    key = f"widget:{name}|{kind}" if kind else f"widget:{name}"
    st.session_state[_KEYS].setdefault(name, set()).add(key)
    return key


def _start(key: str, value: Any) -> None:
    """Give a widget that is not on the page yet its kept value."""
    if key not in st.session_state:
        st.session_state[key] = value


def _remember(name: str, values: list[str], default: list[str], *, always_in_url: bool = False) -> None:
    if values == default and not always_in_url:
        _kept().pop(name, None)
    else:
        _kept()[name] = values


def several(
    label: str,
    options: Sequence[str],
    *,
    name: str,
    default: Sequence[str],
    draw: Callable[..., Any] = st.multiselect,
    always_in_url: bool = False,
    **more: Any,
) -> list[str]:
    """A multiselect (or pills) of option keys; values of the URL that do not exist any more are left out.

    ``always_in_url``: also where they are the default; for defaults that depend on the workspace, such as the newest
    run, because a link would show another one later.
    """
    known = [value for value in _kept().get(name, list(default)) if value in options]
    start = known or [value for value in default if value in options]
    _start(_key(name), start[: more.get("max_selections")])  # a link may name more than the widget takes
    chosen: list[str] = draw(label, options, key=_key(name), **more)
    _remember(name, chosen, list(default), always_in_url=always_in_url)
    return chosen


def one(
    label: str,
    options: Sequence[str],
    *,
    name: str,
    default: str | None = None,
    draw: Callable[..., Any] = st.selectbox,
    always_in_url: bool = False,
    **more: Any,
) -> str:
    """A selectbox (or segmented control, or radio) of option keys; ``always_in_url`` as in :func:`several`."""
    fallback = default if default in options else options[0]
    kept = (_kept().get(name) or [fallback])[0]
    key = _key(name, draw.__name__)
    _start(key, kept if kept in options else fallback)
    chosen = draw(label, options, key=key, **more) or fallback
    _remember(name, [chosen], [fallback], always_in_url=always_in_url)
    return str(chosen)


def switch(label: str, *, name: str, default: bool = False, **more: Any) -> bool:
    """A toggle."""
    kept = (_kept().get(name) or [str(default)])[0]
    _start(_key(name), kept == "True")
    value = bool(st.toggle(label, key=_key(name), **more))
    _remember(name, [str(value)], [str(default)])
    return value


def span(label: str, low: float, high: float, *, name: str, **more: Any) -> tuple[float, float]:
    """A slider with two ends; the whole range stands in no URL."""
    whole = [f"{low:g}", f"{high:g}"]
    try:
        first, last = (float(value) for value in _kept().get(name, whole))
    except ValueError:
        first, last = low, high
    inside = low <= first <= last <= high
    _start(_key(name), (first, last) if inside else (low, high))
    first, last = st.slider(label, low, high, key=_key(name), **more)
    _remember(name, [f"{first:g}", f"{last:g}"], whole)
    return first, last


def words(label: str, *, name: str, **more: Any) -> str:
    """A text field whose value stays in this session: what somebody looks for may name a patient, and URLs are shown,
    kept and sent around."""
    typed: dict[str, str] = st.session_state[_WORDS]
    _start(_key(name), typed.get(name, ""))
    typed[name] = str(st.text_input(label, key=_key(name), **more)).strip()
    return typed[name]


def typed(key: str) -> str:
    """What stands in a text field of this key, for what is called when it changes."""
    return str(st.session_state.get(key, ""))


def reported(key: str) -> Any:
    """What a component of this key has just reported, for what is called when it does."""
    return st.session_state[key]


def page(total: int, *, name: str) -> int:
    """The number of a page, from 1; when the number of pages changes, something else is listed: it starts anew."""
    kept = _kept().get(name) or []
    start = int(kept[0]) if len(kept) == 2 and kept[0].isdigit() and kept[1] == str(total) else 1
    chosen = int(st.pagination(total, default=min(max(start, 1), total), key=_key(name, str(total))))
    _remember(name, [str(chosen), str(total)], ["1", str(total)])
    return chosen


def number(
    label: str, low: float, high: float, *, name: str, default: float, step: float, kind: str = "", **more: Any
) -> float:
    """A slider; a value of the URL outside its range is brought to the nearer end.

    Where the default depends on other choices, ``kind`` names it: the slider then starts anew with it.
    """
    try:
        kept = float((_kept().get(name) or [default])[0])
    except ValueError:
        kept = default
    _start(_key(name, kind), float(min(max(kept, low), high)) if math.isfinite(kept) else default)
    value = float(st.slider(label, low, high, step=step, key=_key(name, kind), **more))
    _remember(name, [f"{value:g}"], [f"{default:g}"])
    return value
