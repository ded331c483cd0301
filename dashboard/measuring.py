"""``python -m dashboard.measuring VIEW ...``: how long the server takes for a view and for what is done in it.

Opens each view in one process, without a browser, and prints a line of JSON per measurement: view, what, and seconds
on the clock, first and again, and of processor time, again. What comes first reads files and fills caches; what comes
again is what somebody waits for who is at work. Whatever a view has is moved: the choice of a list, a slider by a step,
a switch, a click into a figure. The last line has the memory of the process in MB, and that of its largest moment. Here
and not in scripts, because those do not know Streamlit; they start this (``python -m scripts.bench views``).
"""

from __future__ import annotations

import functools
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.testing.v1 import AppTest

APP = Path(__file__).with_name("app.py")
FIGURE = "fluoroscope_plot"
MOST = 9
"""Things that are moved in a view at most: Train is one long form."""

LONGEST = 600.0
"""Seconds that a rerun may take."""


@dataclass(frozen=True)
class Taken:
    """Seconds of a rerun: on the clock, and of processor time in all threads, which others at work do not lengthen."""

    clock: float
    processor: float


def timed(work: Callable[[], AppTest]) -> Taken:
    """How long a rerun of the page takes.

    Raises:
        RuntimeError: the page failed, so nothing was measured.
    """
    clock, processor = time.perf_counter(), time.process_time()
    at = work()
    taken = Taken(time.perf_counter() - clock, time.process_time() - processor)
    if at.exception:  # not at.error: a form may say that some choices do not fit together
        raise RuntimeError("; ".join(str(one.value) for one in at.exception))
    return taken


def say(view: str, what: str, first: Taken, again: Sequence[Taken]) -> None:
    clock, processor = (statistics.median(getattr(one, name) for one in again) for name in ("clock", "processor"))
    print(json.dumps({"view": view, "what": what, "first": first.clock, "again": clock, "processor": processor}))


Moves = tuple[str, list[WidgetState]]
"""A name, and three states of one widget to go through."""


def moves(at: AppTest) -> Iterator[Moves]:
    """Everything on the page that can be moved."""
    for number, shown in enumerate(at.get("bidi_component")):
        if shown.proto.component_name == FIGURE and json.loads(shown.proto.json)["clicks"]:
            yield f"click into figure {number + 1}", [_click(shown.proto.id, row) for row in (5, 77, 1234)]
            break
    for chosen in (*at.selectbox, *at.segmented_control):
        now = [chosen.format_func(chosen.value)] if chosen.value is not None else []
        others = [option for option in chosen.options if option not in now][:2]
        if others and not chosen.disabled:
            kind = "string_value" if chosen.type == "selectbox" else "string_array_value"
            yield _label(chosen), [_state(chosen.id, kind, option) for option in (*others, *now, *others)[:3]]
    for slider in at.slider:
        if isinstance(slider.value, (int, float)) and slider.min < slider.max:
            sign = 1 if slider.value + 3 * slider.step <= slider.max else -1
            places = [slider.value + sign * step * slider.step for step in (1, 2, 3)]
            yield _label(slider), [_state(slider.id, "double_array_value", place) for place in places]
    for switch in at.toggle:
        if "wide-" not in (switch.key or ""):  # those of the export menus change nothing on the page
            yield _label(switch), [_state(switch.id, "bool_value", on ^ switch.value) for on in (True, False, True)]


def _label(widget: Any) -> str:
    return str(widget.label)


def _state(of: str, kind: str, value: Any) -> WidgetState:
    state = WidgetState(id=of)
    if kind.endswith("array_value"):
        getattr(state, kind).data[:] = [value]
    else:
        setattr(state, kind, value)
    return state


def _click(figure: str, row: int) -> WidgetState:
    """A click on a sample of a map, or on a cell of a matrix: what has no such point takes no notice."""
    cell = [row % 2, 1]
    value = {"curve": row % 3, "trace": "", "point": cell, "customdata": row, "x": None, "y": None, "z": None}
    state = WidgetState(id=f"$$STREAMLIT_INTERNAL_KEY_{figure}__events")
    state.json_trigger_value = json.dumps([{"event": "click", "value": value}])
    return state


def states_of(at: AppTest) -> WidgetStates:
    """The states of all widgets as a browser sends them: a button that is not pressed is not among them (one that is
    sent as not pressed, and was not on the page before, would count as pressed)."""
    found = at._tree.get_widget_states()
    return WidgetStates(widgets=[one for one in found.widgets if one.WhichOneof("value") != "trigger_value"])


def moved(at: AppTest, before: WidgetStates, state: WidgetState) -> AppTest:
    """The page after a browser sent this state of one widget, and of the others the states before."""
    kept = [one for one in before.widgets if one.id != state.id]
    return at._run(WidgetStates(widgets=[*kept, state]))


def there(at: AppTest, state: WidgetState) -> bool:
    """Whether the widget of a state is still on the page: what was done may have led to another part of it."""
    figures = [shown.proto.id for shown in at.get("bidi_component")]
    return any(one.id == state.id for one in at._tree.get_widget_states().widgets) or any(
        figure in state.id for figure in figures
    )


def measure(view: str) -> None:
    """Opening a view in a session of its own, drawing it again, and moving what is on it."""
    at = AppTest.from_file(str(APP), default_timeout=LONGEST)
    if view != "home":
        at.run()  # every session begins there
    first = timed(lambda: at.run() if view == "home" else at.switch_page(f"views/{view}.py").run())
    say(view, "open", first, [timed(at.run) for _ in range(3)])
    before = states_of(at)
    for what, states in list(moves(at))[:MOST]:
        taken = [timed(functools.partial(moved, at, before, state)) for state in states if there(at, state)]
        if taken:
            say(view, what, taken[0], taken[1:] or taken)
        at._run(before)


def main(views: list[str]) -> None:
    for view in views:
        measure(view)
    held = psutil.Process().memory_info().rss / 1e6
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"held": round(held), "largest": round(largest)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
