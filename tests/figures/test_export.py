"""Files for a paper: their width, their sameness, and what happens without or with a broken Chromium."""

from __future__ import annotations

import base64
import os
import re
import signal
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from core.errors import ExportError
from core.figures import browser
from core.figures.browser import MISSING
from core.figures.export import Format, _settled, chromium_available, figure_bytes, file_name
from core.figures.theme import DARK, LIGHT
from tests.figures.examples import FIGURES, HOSTILE

needs_chromium = pytest.mark.skipif(not chromium_available(), reason="Chromium is not on this machine")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def own_browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Leaves no browser of this test behind."""
    yield monkeypatch
    browser.close()


@needs_chromium
@pytest.mark.parametrize("name", ["auroc", "similarity-3", "confusion", "curves"])
def test_svg_is_as_wide_as_the_column_and_the_same_twice(name: str) -> None:
    first, second = (figure_bytes(FIGURES[name](LIGHT), "svg", columns=1) for _ in range(2))
    assert first == second
    root = ElementTree.fromstring(first)
    assert root.attrib["width"] == "89.0mm" and root.attrib["height"].endswith("mm")
    assert root.attrib["viewBox"].startswith("0 0 420 ")
    words = "".join(root.itertext())
    assert "<img src" in words and not root.findall(f".//{SVG}a")
    pictures = [one.attrib for one in root.iter(f"{SVG}image")]
    assert all(value.startswith("data:") for one in pictures for key, value in one.items() if key.endswith("href"))


@needs_chromium
def test_every_clip_path_is_still_found_after_renaming() -> None:
    text = figure_bytes(FIGURES["confusion"](LIGHT), "svg").decode()
    names = set(re.findall(r'id="([^"]+)"', text))
    used = set(re.findall(r"url\((?:&quot;|['\"])?#([^'\")&]+)", text))
    assert used and used <= names


@needs_chromium
def test_a_pdf_is_as_wide_as_the_column() -> None:
    made = figure_bytes(FIGURES["auroc"](LIGHT), "pdf", columns=2)
    assert made.startswith(b"%PDF")
    width = float(re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+)", made)[0])
    assert width / 72 * 25.4 == pytest.approx(183, abs=1)


@needs_chromium
def test_a_png_has_its_resolution_and_its_ground(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(figure_bytes(FIGURES["space-numbers"](DARK), "png", columns=1))
    with Image.open(path) as image:
        image.load()
        assert image.width == 1680
        assert image.width / image.info["dpi"][0] * 25.4 == pytest.approx(89, abs=0.1)
        assert image.convert("RGB").getpixel((3, 3)) == tuple(bytes.fromhex(DARK.paper[1:]))
        assert len(np.unique(np.asarray(image.convert("L")))) > 20


@needs_chromium
def test_a_bitmap_inside_an_svg_is_whole() -> None:
    root = ElementTree.fromstring(figure_bytes(FIGURES["space-numbers"](LIGHT), "svg"))
    found = [value for one in root.iter(f"{SVG}image") for key, value in one.attrib.items() if key.endswith("href")]
    assert found
    for picture in found:
        made = base64.b64decode(picture.split(",", 1)[1])
        at = 8
        while at < len(made):  # every chunk of the PNG has the checksum that it came with
            size, _kind = struct.unpack(">I4s", made[at : at + 8])
            assert (
                zlib.crc32(made[at + 4 : at + 8 + size]) == struct.unpack(">I", made[at + 8 + size : at + 12 + size])[0]
            )
            at += 12 + size


def test_only_names_are_renamed() -> None:
    label = "gabc123 clipabc123x #abc123"
    bitmap = "Abcgabc123xyzlegendabc123=="
    svg = (
        '<svg width="420" height="210" viewBox="0 0 420 210"><defs id="defs-abc123"><path id="clipabc123xy"/></defs>'
        f'<g clip-path="url(#clipabc123xy)"/><image href="data:image/png;base64,{bitmap}"/><text>{label}</text></svg>'
    )
    made = _settled(svg.encode(), 1).decode()
    assert label in made and bitmap in made
    assert 'id="clip000000xy"' in made and "url(#clip000000xy)" in made
    assert made.startswith('<svg width="89.0mm" height="44.50mm"')


@needs_chromium
def test_threads_share_one_browser(own_browser: pytest.MonkeyPatch) -> None:
    made: list[bytes] = []
    work = [threading.Thread(target=lambda: made.append(figure_bytes(FIGURES["cones"](LIGHT), "svg"))) for _ in "abc"]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join(120)
    assert len(made) == 3 and len(set(made)) == 1
    assert len(browser._open) == 1


@needs_chromium
def test_a_browser_that_was_killed_is_replaced(own_browser: pytest.MonkeyPatch) -> None:
    figure = FIGURES["cones"](LIGHT)
    before = figure_bytes(figure, "svg")
    group = os.getpgid(browser._open[0]._kaleido.subprocess.pid)
    assert group != os.getpgid(0)
    os.killpg(group, signal.SIGKILL)
    time.sleep(0.5)
    assert figure_bytes(figure, "svg") == before


@needs_chromium
def test_nothing_is_left_of_a_closed_browser(own_browser: pytest.MonkeyPatch) -> None:
    figure_bytes(FIGURES["cones"](LIGHT), "svg")
    process, thread = browser._open[0]._kaleido.subprocess, browser._open[0]._thread
    browser.close()
    assert process.poll() is not None and not thread.is_alive()


def test_a_browser_that_ends_at_once_is_an_error_and_no_hang(own_browser: pytest.MonkeyPatch) -> None:
    browser.close()
    own_browser.setenv("BROWSER_PATH", "/bin/false")
    began = time.monotonic()
    with pytest.raises(ExportError, match="/bin/false did not draw"):
        figure_bytes(FIGURES["cones"](LIGHT), "svg")
    assert time.monotonic() - began < 60
    assert not browser._open


@pytest.mark.parametrize("format", ["svg", "pdf", "png"])
def test_without_chromium_the_error_says_how_to_get_it(format: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert not chromium_available()
    with pytest.raises(ExportError, match="apt-get install chromium") as caught:
        figure_bytes(FIGURES["cones"](LIGHT), format)
    assert str(caught.value) == MISSING
    assert figure_bytes(FIGURES["cones"](LIGHT), "html")


def test_other_formats_and_widths_are_refused() -> None:
    with pytest.raises(ExportError, match="no format 'exe'"):
        figure_bytes(go.Figure(), "exe")  # type: ignore[arg-type]
    with pytest.raises(ExportError, match="3 columns"):
        figure_bytes(go.Figure(), "svg", columns=3)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (["similarity", "prompts", "Orthogonal · demo"], "fluoroscope_similarity_prompts_orthogonal-demo.svg"),
        (["../../etc", "-rf", ""], "fluoroscope_etc_rf.svg"),
        ([HOSTILE], "fluoroscope_img-src-x-onerror-alert-1-http-example-i.svg"),
        (["胸水\n"], "fluoroscope.svg"),
    ],
)
def test_a_file_name_is_safe(parts: list[str], name: str) -> None:
    assert file_name(parts, "svg") == name
