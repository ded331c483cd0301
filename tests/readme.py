"""The README as data: its commands, the names that stand in backticks, its tables, links and pictures."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from core.workspace import ROOT

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r"`([^`\n]+)`")
BEGINNINGS = (
    "python", ".venv/bin/", ". .venv", "scripts.", "make", "streamlit", "ssh", "hf", "pip", "tensorboard", "mlflow",
    "torchrun", "apt-get", "git", "cp", "docker", "pytest",
)  # fmt: skip
"""How a line begins that a user types."""


@cache
def text(name: str = "README.md") -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str = "README.md") -> list[tuple[str, str]]:
    """Language and content of each fenced block."""
    return FENCE.findall(text(name))


def prose(name: str = "README.md") -> str:
    """All that stands in no fenced block."""
    return FENCE.sub("", text(name))


def quoted(name: str = "README.md") -> list[str]:
    """What stands in backticks within sentences and tables, in order."""
    return QUOTED.findall(prose(name))


def is_command(words: str) -> bool:
    """Whether quoted words are typed: more than the name of a program or of a module."""
    first, _, rest = words.partition(" ")
    return first.startswith(BEGINNINGS) and bool(rest) and not first.endswith(("/", ":"))


def commands(name: str = "README.md") -> list[str]:
    """Each command once: lines of blocks without a language, and quoted ones; those of ``a | b`` one by one."""
    typed: list[str] = []
    for language, block in blocks(name):
        if language in ("", "sh", "bash"):
            lines = block.replace("\\\n", " ").splitlines()
            typed += [without_comment(line) for line in lines]
    typed += [words for words in quoted(name) if is_command(words)]
    return list(dict.fromkeys(one for words in typed if words for one in alternatives(words)))


def without_comment(line: str) -> str:
    return " ".join(re.sub(r"(^|\s)#.*$", "", line).split())


def alternatives(words: str) -> Iterator[str]:
    """``python -m scripts.a | b RUN`` is ``python -m scripts.a RUN`` and ``python -m scripts.b RUN``."""
    first, *others = words.split(" | ")
    if not others:
        yield words
        return
    *before, one = first.split(" ")
    last, *after = others[-1].split(" ")
    stem = one.rpartition(".")[0]
    for name in (one, *others[:-1], last):
        whole = name if "." in name or not stem else f"{stem}.{name}"
        yield " ".join([*before, whole, *after])


def options(name: str = "README.md") -> set[str]:
    """``--names`` that stand in backticks."""
    return {found for words in quoted(name) for found in re.findall(r"(?<![\w-])--[a-z][\w.-]*", words)}


def rows(heading: str, name: str = "README.md") -> list[list[str]]:
    """The cells of the table whose first row begins with ``heading``."""
    found: list[list[str]] = []
    inside = False
    for line in text(name).splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            inside = False
        elif inside and not set(line) <= set("|-: "):
            found.append(cells)
        elif cells[0] == heading:
            inside = True
    return found


def names_in(cell: str) -> list[str]:
    return QUOTED.findall(cell)


def links(name: str = "README.md") -> list[str]:
    """Targets of links and pictures."""
    return re.findall(r"\]\(([^)\s]+)\)", prose(name))


def anchors(name: str = "README.md") -> set[str]:
    """What headings are called in a link to this page."""
    titles = re.findall(r"^#+ (.+)$", prose(name), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def app_views() -> dict[str, str]:
    """Titles of the app's views by their names, in the order of the menu."""
    (views,) = (
        ast.literal_eval(node.value)
        for node in ast.parse(text("dashboard/app.py")).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "VIEWS"
    )
    return {name: title for group in views.values() for name, title, _ in group}
