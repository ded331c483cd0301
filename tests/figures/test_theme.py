"""Colours that stay apart, and text that stays text."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.figures.theme import DARK, LIGHT, Theme, figure, plain, plain_in_scene

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
APART = 0.06
"""Distance in OKLab; two greys a tenth of the way from black to white apart differ by 0.1."""

SEEN = {  # Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB
    "normal": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def linear(colours: tuple[str, ...]) -> NDArray[np.float64]:
    levels = np.array([[int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] for colour in colours])
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    light = linear((one, other)) @ [0.2126, 0.7152, 0.0722] + 0.05
    return float(light.max() / light.min())


@THEMES
@pytest.mark.parametrize("eye", SEEN)
def test_fourteen_colours_stay_apart(theme: Theme, eye: str) -> None:
    assert len(set(theme.categorical)) == 14
    seen = np.cbrt((linear(theme.categorical) @ SEEN[eye].T).clip(0, 1) @ TO_LMS.T) @ TO_LAB.T
    distance = np.linalg.norm(seen[:, None] - seen[None], axis=-1) + np.eye(14)
    assert distance.min() > APART


@THEMES
def test_everything_is_seen_on_its_ground(theme: Theme) -> None:
    assert contrast(theme.ink, theme.paper) > 7
    assert contrast(theme.muted, theme.paper) > 4.5
    assert min(contrast(colour, theme.paper) for colour in theme.categorical) > 1.8


@THEMES
def test_the_middle_of_a_difference_is_the_ground(theme: Theme) -> None:
    assert contrast(theme.diverging[2][1], theme.paper) < 1.15
    low, high = (contrast(theme.diverging[end][1], theme.paper) for end in (0, -1))
    assert 0.6 < low / high < 1.6


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("<b>p</b> & q", "&lt;b&gt;p&lt;/b&gt; &amp; q"),
        ("two\nlines\tand  spaces", "two lines and spaces"),
        ("left\u202eright\x00\x07\ufeff", "leftright"),
        ("Épanchement pleural 胸水", "Épanchement pleural 胸水"),
    ],
)
def test_text_is_shown_letter_by_letter(given: str, shown: str) -> None:
    assert plain(given) == shown


def test_a_scene_knows_tags_but_no_entities() -> None:
    assert plain_in_scene("a<b>&c") == "a‹b›&c"


def test_frames_do_not_share_what_is_changed_in_one() -> None:
    one = figure(LIGHT)
    one.update_layout(showlegend=True, xaxis_title_text="changed", height=999)
    one.layout.template.layout.paper_bgcolor = "red"
    other = figure(LIGHT, height=333)
    assert (other.layout.showlegend, other.layout.xaxis.title.text, other.layout.height) == (None, None, 333)
    assert other.layout.template.layout.paper_bgcolor == LIGHT.paper
    assert figure(LIGHT, title="A title").layout.title.text == "A title" and other.layout.title.text is None
