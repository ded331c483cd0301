"""What the README shows: one line per picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """A view in a state worth showing.

    Attributes:
        view: its name, as in ``dashboard/views``; the picture is called so, too.
        query: the address after ``?``, with ``{both}``, ``{first}`` and ``{second}`` for the runs (``runs=…``),
            ``{ids}`` for both as ``curves=…``, and ``{sample}`` for a radiograph.
        figures: how many figures it shows at least.
        height: of the window, in CSS pixels; more than the view takes is cut off.
        ready: words that stand on the page when it is done; empty: as soon as nothing is at work.
        top: words at which the picture begins, where that is not the top of the page.
        press: the name of a button to be pressed first.
    """

    view: str
    query: str = ""
    figures: int = 0
    height: int = 1100
    ready: str = ""
    top: str = ""
    press: str = ""


PICTURES = (
    Picture("home", height=1250),
    Picture("studies", "study=demo", figures=2, height=1300),
    Picture("train", "train-study=demo&train-preset=orthogonal", height=1200),
    Picture("curves", "{ids}", figures=4, height=1250),
    Picture("space", "{both}&sample={sample}", figures=2, height=1750, ready="The chosen radiograph"),
    Picture("similarity", "{both}&order=likeness", figures=3, height=1350),
    Picture("gap", "{second}&shift=1", figures=4, height=1300),
    Picture("diseases", "{both}&cell=Effusion.1.0", figures=2, height=1800, ready="worst first"),
    Picture("attention", "{both}&sample={sample}", height=1300),
    Picture("retrieval", "{second}", height=1300),
    Picture("compare", "{both}", height=1500),
    Picture("report", height=900),
)

WITHOUT = {
    "bring": "asks for a folder of radiographs, which the demo has not",
    "ablation": "compares many runs, which would take many minutes",
    "search": "compares many runs, which would take many minutes",
}
"""Views that have no picture, and why."""
