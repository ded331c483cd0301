"""The one way to put a figure on the page: plotly.js behind a Streamlit component.

`st.plotly_chart` mounts a figure anew whenever its data change, which throws away a turned camera and makes live
curves flicker, and it reports no clicks on 3D points or heatmap cells. This component updates the figure in place.
"""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import InputError
from dashboard import selection

if TYPE_CHECKING:
    import plotly.graph_objects as go

HERE = Path(__file__).resolve().parent
STATIC = HERE.parent / "static"
DEFAULT_HEIGHT = 450

_component = st.components.v2.component(
    "fluoroscope_plot",
    html=(HERE / "plot.html").read_text(encoding="utf-8"),
    css=(HERE / "plot.css").read_text(encoding="utf-8"),
    js="\n".join((HERE / name).read_text(encoding="utf-8") for name in ("plot.js", "groups.js", "player.js")),
    isolate_styles=False,  # plotly.js puts its own styles into the document's head, out of a shadow root's reach
)


@dataclass(frozen=True)
class Click:
    """One click on a figure, as plotly.js reports it.

    `curve` is the trace's index and `trace` its name; `point` is the index of the point, or (row, column) in a
    heatmap or an image; `customdata` is what the figure attached to that point. A coordinate that the trace lacks
    is None.
    """

    curve: int
    trace: str
    point: int | tuple[int, ...]
    customdata: Any
    x: Any
    y: Any
    z: Any

    @classmethod
    def from_browser(cls, value: Mapping[str, Any]) -> Click:
        """The click in the form in which plot.js sends it."""
        point = value["point"]
        return cls(
            curve=int(value["curve"]),
            trace=str(value["trace"]),
            point=tuple(int(i) for i in point) if isinstance(point, list) else int(point),
            customdata=value.get("customdata"),
            x=value.get("x"),
            y=value.get("y"),
            z=value.get("z"),
        )


@dataclass(frozen=True)
class Report:
    """What a user did to a figure; None: something else.

    `region` holds the corners (x, y) of what a lasso or a box enclosed, in the figure's own units; `moment` is the name
    of the frame at which playing, or the slider below the figure, came to rest; `camera` from where a scene is seen:
    eye, centre and up, three numbers each, as plotly counts them.
    """

    click: Click | None = None
    region: tuple[tuple[float, float], ...] | None = None
    moment: str | None = None
    camera: tuple[float, ...] | None = None

    @classmethod
    def from_browser(cls, told: Any) -> Report:
        """What plot.js reported, each event under its name."""
        click, region, moment, camera = (told.get(event) for event in EVENTS)
        return cls(
            click=Click.from_browser(click) if click else None,
            region=tuple((float(x), float(y)) for x, y in region) if region else None,
            moment=str(moment) if moment else None,
            camera=tuple(float(place) for place in camera) if camera else None,
        )


EVENTS = ("click", "region", "moment", "camera")


def plot(
    figure: go.Figure,
    *,
    key: str,
    alt: str,
    height: int | None = None,
    encloses: bool = False,
    turns: bool = False,
    uirevision: str = "keep",
    file_name: str = "figure",
    group: str | None = None,
    moment: int | None = None,
    legend: bool = True,
    react: Callable[[Report], None] | None = None,
) -> None:
    """Show `figure` over the full width.

    The figure stays the same node in the page as long as `key` stays: zoom, camera and hidden legend entries survive
    new data until `uirevision` changes. `height` is in CSS pixels (default: the figure's own, else 450). `alt` says in
    words what the figure shows. Figures of one `group` turn together, ring what the pointer is over in any of them (by
    the integer in `customdata`), and play together. Without `legend` the page says itself what the figure's legend
    would. A figure with frames gets a slider and a play button, and stands at frame `moment` (default: the last).

    `react` is told of every click, of what a lasso enclosed (where the figure `encloses`), of moments, and from where a
    scene is seen once it rests (where it is told what `turns`), before the page is drawn anew, so that what follows
    from it is drawn at once.

    Raises InputError if `key` or `alt` is empty, OSError if plotly.js cannot be put where Streamlit serves it from.
    """
    if not key or not alt.strip():
        raise InputError(
            f"A figure needs a key and an alternative text; got key={key!r}, alt={alt!r}. Pass both as plain text."
        )
    pixels = int(height or figure.layout.height or DEFAULT_HEIGHT)
    data = {
        "figure": figure.to_json(),  # typed arrays stay base64 in here, so a large map costs one string
        "plotly": _plotly_url(ensure_plotly_js()),
        "alt": alt,
        "height": pixels,
        "square": encloses or bool(figure.layout.scene.to_plotly_json()),
        "clicks": react is not None,
        "encloses": encloses,
        "turns": turns,
        "uirevision": uirevision,
        "fileName": file_name,
        "group": group,
        "legend": legend,
        "moment": max(0, len(figure.frames) - 1) if moment is None else moment,
    }

    def reported() -> None:
        if react:
            react(Report.from_browser(selection.reported(key)))

    callbacks = {f"on_{event}_change": reported for event in EVENTS}  # without one Streamlit reports no trigger
    _component(key=key, data=data, **callbacks)


@functools.cache
def ensure_plotly_js(folder: Path = STATIC) -> Path:
    """Copy plotly.js from the plotly package to where Streamlit serves it, unless it is there; return its path."""
    import plotly
    from plotly.offline import get_plotlyjs_version

    source = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    target = folder / f"plotly-{get_plotlyjs_version()}.min.js"
    if target.is_file() and target.stat().st_size == source.stat().st_size:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as out, source.open("rb") as original:
            shutil.copyfileobj(original, out)
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return target


def _plotly_url(path: Path) -> str:
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"{f'/{base}' if base else ''}/app/static/{path.name}"
