"""The font of an SVG, put into it: the letters that it uses, so that it looks the same where it is not installed."""

from __future__ import annotations

import base64
import functools
import html
import io
import re
import shutil
import subprocess
from pathlib import Path

FAMILY = "FluoroscopeSans"
"""What the embedded letters are called, in front of the families that a reader falls back to."""

_PAGE_FONT = "system-ui"
"""The first of the families that figures ask for (:mod:`core.figures.theme`); Chromium asks fontconfig what it is."""


@functools.cache
def drawn_with() -> Path | None:
    """The font file that Chromium draws with; None where there is no fontconfig to ask (macOS, Windows)."""
    asked = shutil.which("fc-match")
    if asked is None:
        return None
    said = subprocess.run(
        [asked, "-f", "%{file}", _PAGE_FONT], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    found = Path(said.stdout.strip())
    return found if said.returncode == 0 and found.suffix.lower() in (".ttf", ".otf") and found.is_file() else None


def with_font(svg: str) -> str:
    """An SVG with the letters that it uses; as it was where the font that it was drawn with is not known."""
    path = drawn_with()
    letters = "".join(sorted(set(html.unescape(re.sub(r"<[^>]*>", "", svg))) | {" "}))
    opening = re.match(r"<svg[^>]*>", svg)
    if path is None or opening is None or "<text" not in svg:
        return svg
    face = base64.b64encode(_subset(path, letters)).decode()
    style = f"<style>@font-face{{font-family:{FAMILY};src:url(data:font/woff2;base64,{face}) format('woff2')}}</style>"
    body = svg[opening.end() :].replace(f"font-family: {_PAGE_FONT}", f"font-family: {FAMILY}, {_PAGE_FONT}")
    return opening.group(0) + style + body


@functools.lru_cache(maxsize=32)
def _subset(path: Path, letters: str) -> bytes:
    """These letters of a font as WOFF2; the same letters give the same bytes."""
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    options = Options(hinting=False, notdef_outline=True)
    options.drop_tables += ["FFTM"]  # when the font was made: nobody reads it, and the subsetter warns of it
    made = io.BytesIO()
    with TTFont(path, recalcTimestamp=False, lazy=True) as font:
        wanted = Subsetter(options)
        wanted.populate(text=letters)
        wanted.subset(font)
        font.flavor = "woff2"
        font.save(made)
    return made.getvalue()
