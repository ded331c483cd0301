"""The README names what there is, all of it, and nothing else: options, presets, encoders, losses, views, files."""

from __future__ import annotations

import ast
import re
import typing
from collections.abc import Iterator

import pytest

from core.config.encoders import ENCODERS
from core.config.importing import SOURCES, ImportConfig
from core.config.objective import ALL_LOSSES, ObjectiveConfig
from core.config.presets import PRESETS
from core.config.run import ProjectionConfig, RunConfig
from core.config.slurm import SlurmConfig
from core.recipes.listing import RECIPES
from core.workspace import ROOT
from tests import readme
from tests.test_scripts import leaves

PAGES = ("README.md", "CONTRIBUTING.md")
OF_OTHERS = {"--logdir"}
"""Options of programs that are not ours."""


def sources(*folders: str) -> Iterator[str]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.read_text(encoding="utf-8")


def known_options() -> set[str]:
    """Settings of runs, imports, maps, figures and clusters, and the options that scripts add."""
    found = {f"--{name}" for config in (RunConfig, ImportConfig, ProjectionConfig) for name, _ in leaves(config)}
    found |= {f"--slurm.{name}" for name, _ in leaves(SlurmConfig)} | {"--help"}
    found |= {f"--{name.replace('_', '-')}" for figure in RECIPES for name in RECIPES[figure].help()}
    found |= {re.sub(r"([a-z-]+)$", r"no-\1", name) for name in found}
    for text in sources("scripts"):
        nodes = ast.walk(ast.parse(text))
        words = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        found |= {word for word in words if re.fullmatch(r"--[a-z-]+", word)}
    return found


def test_every_option_is_one() -> None:
    unknown = readme.options() - known_options() - OF_OTHERS
    assert len(readme.options()) > 30 and not unknown


def test_every_preset_encoder_source_and_loss_stands_in_its_table_and_no_other() -> None:
    assert {cells[0].strip("`") for cells in readme.rows("preset")} == set(PRESETS)
    assert {name for cells in readme.rows("encoder") for name in readme.names_in(cells[0])} == set(ENCODERS)
    imported = [re.findall(r"scripts\.study import (\w+)", cells[-1]) for cells in readme.rows("source")]
    assert [name for names in imported for name in names] and {name for names in imported for name in names} == set(
        SOURCES
    )


def test_every_form_of_every_loss_stands_in_the_table() -> None:
    table = {readme.names_in(cells[0])[0]: readme.names_in(cells[1]) for cells in readme.rows("loss")}
    assert set(table) == set(ALL_LOSSES)
    hints = typing.get_type_hints(ObjectiveConfig)
    for loss in ALL_LOSSES:
        assert set(typing.get_args(hints.get(f"{loss}_form"))) == {
            name for name in table[loss] if not name.startswith("-")
        }, loss


@pytest.mark.parametrize("title", readme.app_views().values())
def test_every_view_has_an_entry(title: str) -> None:
    assert re.search(rf"^### {title}: .*\?$", readme.text(), re.MULTILINE), (
        f"### {title}: which question does it answer?"
    )


def test_every_figure_of_the_command_line_is_named() -> None:
    assert not {f"`{name}`" for name in RECIPES} - {f"`{name}`" for name in readme.quoted()}


def test_every_variable_of_the_environment_is_named() -> None:
    used = {
        name for text in sources("core", "scripts", "dashboard") for name in re.findall(r"FLUOROSCOPE_[A-Z_]+", text)
    }
    assert used == set(re.findall(r"FLUOROSCOPE_[A-Z_]+", readme.text()))


@pytest.mark.parametrize("page", PAGES)
def test_links_pictures_and_files_are_there(page: str) -> None:
    for link in readme.links(page):
        if link.startswith("#"):
            assert link in readme.anchors(page), link
        elif not link.startswith("https://"):
            file, _, anchor = link.partition("#")
            assert (ROOT / file).is_file(), link
            assert not anchor or f"#{anchor}" in readme.anchors(file), link


@pytest.mark.parametrize("page", PAGES)
def test_modules_and_files_in_backticks_are_there(page: str) -> None:
    for words in readme.quoted(page):
        if re.fullmatch(r"(core|dashboard|scripts|tests)/[\w/.-]*", words):
            assert (ROOT / words).exists(), words
        elif re.fullmatch(r"scripts\.\w+", words):
            assert (ROOT / f"{words.replace('.', '/')}.py").exists(), words


@pytest.mark.parametrize("page", PAGES)
def test_backticks_close_on_their_line(page: str) -> None:
    """So that no command or name is missed by these tests."""
    assert not [line for line in readme.prose(page).splitlines() if line.count("`") % 2]


def test_the_citation_is_the_same_for_people_and_programs() -> None:
    title = re.search(r'^title: "(.+)"$', readme.text("CITATION.cff"), re.MULTILINE)
    year = re.search(r'^date-released: "(\d{4})-\d\d-\d\d"$', readme.text("CITATION.cff"), re.MULTILINE)
    (bibtex,) = [block for language, block in readme.blocks() if language == "bibtex"]
    assert title and f"title = {{{title[1]}}}" in bibtex
    assert year and f"year = {{{year[1]}}}" in bibtex
