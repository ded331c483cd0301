"""Figures of each kind for the browser test of the plot component; the query parameter `show` picks the part."""

from __future__ import annotations

from functools import partial

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dashboard.components.plot import Report, plot

st.set_page_config(layout="wide")
BARE = go.layout.Template()
MARGIN = {"l": 40, "r": 10, "t": 30, "b": 30}
LABEL = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>label"


def cube(colour: str) -> go.Figure:
    """The corners of a cube; (1, 1, 1), the last one, is seen in the middle from the default camera."""
    corners = np.array([[i & 1, i >> 1 & 1, i >> 2] for i in range(8)], dtype=np.float32)
    marker = {"size": 20, "color": colour}
    trace = go.Scatter3d(x=corners[:, 0], y=corners[:, 1], z=corners[:, 2], mode="markers", marker=marker, name="cube")
    trace.customdata = np.arange(100, 108, dtype=np.int32)
    return go.Figure(trace, {"template": BARE, "margin": {"l": 0, "r": 0, "t": 0, "b": 0}})


def flat(kind: str) -> go.Figure:
    """Three by three cells that carry their row and column, or three points that carry 7, 8, 9."""
    cells = np.stack(np.meshgrid(np.arange(3), np.arange(3), indexing="ij"), axis=-1).astype(np.int16)
    points = np.arange(3, dtype=np.float32)
    trace = {
        "heatmap": go.Heatmap(z=np.arange(9, dtype=np.float32).reshape(3, 3), customdata=cells, showscale=False),
        "image": go.Image(z=np.full((3, 3, 3), 90, dtype=np.uint8), customdata=cells),
        "points": go.Scattergl(x=points, y=points, mode="markers", marker={"size": 30}, customdata=points + 7),
    }[kind]
    figure = go.Figure(trace, {"template": BARE, "margin": MARGIN, "title": {"text": LABEL}})
    return figure.add_layout_image(source="http://192.0.2.1/beacon.png", x=0, y=1, sizex=1, sizey=1)


def square(colour: str) -> go.Figure:
    """The same corners, seen flat: the one at (1, 1) carries 107, as (1, 1, 1) of the cube does."""
    corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], dtype=np.float32)
    trace = go.Scattergl(x=corners[:, 0], y=corners[:, 1], mode="markers", marker={"size": 20, "color": colour})
    trace.customdata = np.array([100, 101, 102, 107], dtype=np.int32)
    axis = {"range": [-1, 2]}
    return go.Figure(trace, {"template": BARE, "margin": MARGIN, "xaxis": axis, "yaxis": axis, "dragmode": "lasso"})


def growing() -> go.Figure:
    """The cube at three moments: nothing, half of it, all of it."""
    made, whole = cube("teal"), cube("teal").data[0]
    made.frames = [
        go.Frame(
            name=f"epoch {epoch}",
            traces=[0],
            data=[go.Scatter3d(x=whole.x * size, y=whole.y * size, z=whole.z * size)],
        )
        for epoch, size in ((0, 0.0), (5, 0.5), (9, 1.0))
    ]
    return made


def note(name: str, report: Report) -> None:
    """Keep everything that arrives, so that what came twice would be seen."""
    if (click := report.click) is not None:
        st.session_state.setdefault("clicks", []).append((name, click.curve, click.point, click.customdata))
    if report.region or report.moment:
        middle = None
        if report.region:
            middle = [round(sum(place) / len(place), 1) for place in zip(*report.region, strict=True)]
        st.session_state.setdefault("heard", []).append((name, middle, report.moment))
    if report.moment:
        st.session_state["stands"] = ("epoch 0", "epoch 5", "epoch 9").index(report.moment)


def maps() -> None:
    colour = st.segmented_control("Colour", ["crimson", "teal"], default="teal")
    for name, column in zip(("map", "twin"), st.columns(2), strict=True):
        with column:
            plot(cube(colour), key=name, alt=name, height=260, react=partial(note, name), group="maps")


def cells() -> None:
    for kind, column in zip(("heatmap", "image", "points"), st.columns(3), strict=True):
        with column:
            plot(flat(kind), key=kind, alt=f"{kind} of <b>9</b>", height=220, react=partial(note, kind), file_name=kind)


@st.fragment(run_every=1)
def live() -> None:
    steps = st.session_state["steps"] = st.session_state.get("steps", 9) + 1
    figure = go.Figure(
        go.Scatter(x=np.arange(steps), y=np.sqrt(np.arange(steps))), {"template": BARE, "margin": MARGIN}
    )
    plot(figure, key="live", alt="Loss by step", height=220)


def linked() -> None:
    left, middle, right = st.columns(3)
    with left:
        plot(cube("teal"), key="cube", alt="cube", height=260, group="linked")
    with middle:
        told = partial(note, "flat")
        plot(square("teal"), key="flat", alt="flat", height=260, encloses=True, group="linked", react=told)
    with right:
        stands, told = st.session_state.setdefault("stands", 1), partial(note, "growing")
        plot(growing(), key="growing", alt="growing", height=300, group="linked", moment=stands, react=told)
    st.text(f"heard={st.session_state.get('heard', [])}")


def many() -> None:
    round_ = int(st.number_input("Round", value=0, step=1))
    for number, column in enumerate(st.columns(8)):
        with column:
            plot(cube("gold"), key=f"plot {number} of round {round_}", alt="One of eight", height=80)


{"maps": maps, "cells": cells, "live": live, "linked": linked, "many": many}[st.query_params["show"]]()
st.button("Rerun")
st.text(f"clicks={st.session_state.get('clicks', [])}")
