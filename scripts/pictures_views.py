"""What the README shows: one line per picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """A view in a state worth showing.

    Attributes:
        name: of the picture.
        view: as in ``dashboard/views``.
        query: the address after ``?``, with ``{both}``, ``{first}`` and ``{second}`` for the runs (``runs=…``),
            ``{ids}`` for both as ``curves=…``, and ``{sample}`` for a radiograph.
        figures: how many figures it shows at least.
        height: of the window, in CSS pixels: what lies below is not drawn.
        tall: the largest height of the picture; it is less where the view ends before.
        ready: words that stand on the page when it is done; empty: as soon as nothing is at work.
        top: a heading at which the picture begins, where that is not the title of the page.
        press: the name of a button to be pressed first, where it is there.
        gone: words that stand on the page no more when it is done.
    """

    name: str
    view: str
    query: str = ""
    figures: int = 0
    height: int = 1300
    tall: int = 1200
    ready: str = ""
    top: str = ""
    press: str = ""
    gone: str = ""


PICTURES = (
    Picture("home", "home"),
    Picture("studies", "studies", "study=demo", figures=2),
    Picture("train", "train", "train-study=demo&train-preset=orthogonal"),
    Picture("curves", "curves", "{ids}", figures=4),
    Picture("space", "space", "{both}", figures=2, height=1700, tall=1270),
    Picture("radiograph", "space", "{both}&sample={sample}", figures=2, height=2600, top="The chosen radiograph"),
    Picture("similarity", "similarity", "{both}&order=clustering", figures=3, height=1500, tall=1400),
    Picture("gap", "gap", "{second}&shift=1", figures=4, height=1700, tall=1500),
    Picture("diseases", "diseases", "{both}", figures=2, tall=1090),
    Picture("matrices", "diseases", "{both}", figures=2, height=2700, tall=1372, top="Confusion"),
    Picture("cell", "diseases", "{both}&cell=Effusion.1.0", figures=2, height=3600, tall=450, top="worst first"),
    Picture(
        "attention",
        "attention",
        "{both}&attention-finding=Pneumothorax&attention-list=found",
        figures=1,
        height=1800,
        tall=1430,
        press="Show where",
        ready="One scale of colours",
        gone="takes about ten seconds",
    ),
    Picture("retrieval", "retrieval", "{second}", figures=2, tall=1020),
    Picture("compare", "compare", "{both}", figures=1, height=1500, tall=1400),
    Picture("report", "report", figures=3, tall=1182),
)

WITHOUT = {
    "bring": "asks for a folder of radiographs, which the demo has not",
    "ablation": "compares many runs, which would take many minutes",
    "search": "compares many runs, which would take many minutes",
}
"""Views that have no picture, and why."""
