"""What the plot component was given in an AppTest, and a way to click on it without a browser."""

from __future__ import annotations

import json
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

NAME = "fluoroscope_plot"


def plots(at: AppTest) -> list[dict[str, Any]]:
    """What the browser would get for each figure on the page, in order: figure (parsed), alt, height, fileName, ..."""
    protos = [element.proto for element in at.get("bidi_component") if element.proto.component_name == NAME]
    payloads = [json.loads(proto.json) for proto in protos]
    return [
        payload | {"id": proto.id, "figure": json.loads(payload["figure"])}
        for proto, payload in zip(protos, payloads, strict=True)
    ]


def figures(at: AppTest) -> list[dict[str, Any]]:
    """The figures on the page as plotly JSON: {"data", "layout"}; numpy arrays are {"dtype", "bdata", "shape"}."""
    return [payload["figure"] for payload in plots(at)]


def click(at: AppTest, number: int, **point: Any) -> AppTest:
    """Rerun the app as if figure `number` had been clicked.

    `point` sets curve, trace, point, customdata, x, y and z, in the form in which the browser sends them.
    """
    value = {"curve": 0, "trace": "", "point": 0, "customdata": None, "x": None, "y": None, "z": None} | point
    return told(at, number, "click", value)


def told(at: AppTest, number: int, event: str, value: Any) -> AppTest:
    """Rerun the app as if the browser had reported an event of figure `number`: click, region or moment."""
    states = at._tree.get_widget_states()
    trigger = WidgetState(id=f"$$STREAMLIT_INTERNAL_KEY_{plots(at)[number]['id']}__events")
    trigger.json_trigger_value = json.dumps([{"event": event, "value": value}])
    states.widgets.append(trigger)
    return at._run(states)
