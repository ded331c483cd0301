"""Figures for a paper. Of runs: ``python -m scripts.export RUN --figure similarity --format svg --out FILE``; of a
specification that a report holds: ``python -m scripts.export --spec FILE --format pdf --columns 2 --out FILE``.

What else a figure takes stands behind it, as ``--cosines centroids --order clustering``; ``--list`` says which.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import sys
from pathlib import Path

from core.errors import ConfigError
from core.figures.export import FORMATS, figure_bytes, file_name
from core.files import replacing
from core.recipes.files import Files
from core.recipes.listing import RECIPES, all_in_words, recipe_in_words
from core.report.entry import Entry
from scripts.common import main


def parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """What every figure takes, and the rest; runs stand before all else."""
    runs = list(itertools.takewhile(lambda word: not word.startswith("-"), arguments))
    parser = argparse.ArgumentParser(
        prog="python -m scripts.export", usage="%(prog)s [RUN ...] [options]", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--figure", choices=sorted(RECIPES), metavar="NAME", help="one that --list names")
    parser.add_argument("--spec", type=Path, help="specification of a figure, out of a report")
    parser.add_argument("--list", action="store_true", help="list all figures and what they take")
    parser.add_argument("--format", choices=FORMATS, default="svg")
    parser.add_argument("--out", type=Path, help="file to write (default: a name made from figure and run)")
    parser.add_argument("--columns", type=int, choices=(1, 2), default=1, help="width of a journal's columns")
    parser.add_argument("--dark", action="store_true")
    chosen, rest = parser.parse_known_args(arguments[len(runs) :])
    return argparse.Namespace(**vars(chosen), runs=runs), rest


def words_of(rest: list[str]) -> dict[str, list[str]]:
    """``--log-x yes --labelled prompt centroid`` as words by setting.

    Raises:
        ConfigError: a word that belongs to no setting.
    """
    found: dict[str, list[str]] = {}
    for word in rest:
        if word.startswith("--"):
            name, given, value = word[2:].partition("=")
            found[name.replace("-", "_")] = [value] if given else []
        elif found:
            found[list(found)[-1]].append(word)
        else:
            raise ConfigError(f"{word!r} belongs to no setting: give --NAME before it.")
    return found


def entry_of(chosen: argparse.Namespace, rest: list[str]) -> Entry:
    """The figure that is wanted.

    Raises:
        ConfigError: neither a figure nor a specification, or both; or something that it does not take.
    """
    if (chosen.figure is None) == (chosen.spec is None):
        raise ConfigError("Give --figure NAME with its runs, or --spec FILE; --list tells which figures there are.")
    if chosen.spec is not None:
        if rest or chosen.runs:
            raise ConfigError(f"A specification says all; {' '.join([*chosen.runs, *rest])!r} has no place beside it.")
        entry = Entry.load(chosen.spec)
        return dataclasses.replace(entry, dark=True) if chosen.dark else entry
    words = words_of(rest) | ({"runs": chosen.runs} if chosen.runs else {})
    return Entry(recipe=recipe_in_words(chosen.figure, words), dark=chosen.dark)


def work() -> None:
    chosen, rest = parse(sys.argv[1:])
    if chosen.list:
        print(all_in_words())
        return
    entry, where, form, wide = entry_of(chosen, rest), Files(), chosen.format, chosen.columns
    made = entry.recipe.csv(where) if form == "csv" else figure_bytes(entry.draw(where), form, columns=wide)
    out = chosen.out or Path(file_name(entry.recipe.name(where), form))
    with replacing(out.absolute()) as stream:
        stream.write(made)
    print(out)


if __name__ == "__main__":
    main(work)
