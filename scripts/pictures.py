"""``make pictures``: the README's pictures, taken by a browser of the app on the demo study and two runs."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from core.errors import ExportError
from core.figures import browser
from core.files import replacing
from core.workspace import ROOT
from scripts.common import main
from scripts.pictures_content import make
from scripts.pictures_page import camera
from scripts.pictures_small import small_png
from scripts.pictures_views import PICTURES, Picture
from scripts.serving import serving


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.pictures", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which ones; all, if none is named")
    parser.add_argument(
        "--home", type=Path, default=Path(tempfile.gettempdir()) / "fluoroscope-pictures",
        help="workspace of the demo study and its runs, which is kept for the next time; default: %(default)s",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=ROOT / "dashboard" / "pictures", help="folder for the PNGs; default: the README's"
    )
    chosen = parser.parse_args()
    known = [picture.name for picture in PICTURES]
    if unknown := sorted(set(chosen.names) - set(known)):
        parser.error(f"there is no picture {', '.join(unknown)}; there are {', '.join(known)}")
    return chosen


def exists(picture: Picture) -> bool:
    return (ROOT / "dashboard" / "views" / f"{picture.view}.py").is_file()


def work() -> None:
    chosen = parse()
    if browser.chromium() is None:
        raise ExportError(browser.MISSING)
    os.environ["FLUOROSCOPE_HOME"] = str(chosen.home.absolute())
    filling = make()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with serving() as url, camera(url) as eye:
        for picture in PICTURES:
            if not exists(picture) or (chosen.names and picture.name not in chosen.names):
                continue
            made = small_png(eye.take(picture, picture.query.format(**filling)))
            path = chosen.out / f"{picture.name}.png"
            with replacing(path.absolute()) as stream:
                stream.write(made)
            print(f"{path}: {len(made) / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main(work)
