"""Import: bring radiographs from a folder into a study."""

from __future__ import annotations

import dataclasses
import re
import typing
from pathlib import Path

import streamlit as st

from core.config.base import settings_of
from core.config.importing import SOURCES, ImportConfig, MappingConfig, Source
from core.errors import FluoroscopeError, StudyError
from core.roots import allowed_folder, data_roots
from core.studies.imports import Import, list_imports
from core.studies.mapping import tables_in
from dashboard import cached, status
from dashboard.widgets import form, guarded, header, plain

TYPED = "another folder …"
COLUMNS = ("image", "patient", "text", "split", "age", "sex", "view")
NONE = "(none)"


def choose_folder() -> Path | None:
    """A folder below the configured roots, listed or typed; its path stays out of the URL."""
    roots = data_roots()
    found = {str(path): path for root in roots for path in cached.subfolders(root)}
    if not found:
        st.info(
            f"The page reads datasets below {plain(', '.join(map(str, roots)))}, where there is none yet. Put one "
            "there, or start the app with FLUOROSCOPE_DATA set to the folder of your datasets. Or import on the "
            "command line: `python -m scripts.study import --help`.",
            icon=":material/folder_open:",
        )
    place = st.selectbox("Folder", [*found, TYPED], format_func=lambda path: short(path, roots), key="import-folder")
    if place != TYPED:
        return found[place]
    typed = st.text_input("Path", key="import-path", placeholder=str(roots[0])).strip()
    return allowed_folder(typed) if typed else None


def short(path: str, roots: list[Path]) -> str:
    """A folder relative to its root."""
    own = next((root for root in roots if Path(path).is_relative_to(root)), None)
    return path if own is None or path == TYPED else f"{own.name}/{Path(path).relative_to(own)}".removesuffix("/.")


def settings(folder: Path | None) -> ImportConfig | None:
    """Source, name and settings for a folder (the demo needs none); None where something is missing."""
    suggested = cached.guessed(folder) if folder else "demo"
    left, right = st.columns(2)
    with left:
        source = st.selectbox("Source", list(SOURCES), list(SOURCES).index(suggested), key=f"import-source-{folder}")
        st.caption(plain(SOURCES[source]))
    with right:
        name = st.text_input("Name of the study", slug(folder, source), key=f"import-name-{folder}-{source}")
    if folder is None and source != "demo":
        st.info("Choose the folder first.")
        return None
    default = ImportConfig(source=source, path=str(folder or ""), name=name.strip() or "?", mapping=MappingConfig())
    if source == "table" and folder:
        default = default.replace(mapping=columns_of(folder))
    with st.expander("Settings"):
        return typing.cast(ImportConfig, _settings(default, f"import-{source}"))


def _settings(default: ImportConfig, key: str) -> ImportConfig:
    shown = default
    for column, main in zip(st.columns(2), (True, False), strict=True):
        with column:
            shown = typing.cast(ImportConfig, form(shown, key=f"{key}-{main}", main=main, but=FIXED))
    return shown


FIXED = ("source", "path", "name", "mapping")
"""Settings that have widgets of their own here."""


def slug(folder: Path | None, source: Source) -> str:
    """A name that a study may have, from the folder's."""
    name = re.sub(r"[^a-z0-9._-]+", "-", folder.name.lower()).strip("-._") if folder else ""
    return name[:64] or source


def columns_of(folder: Path) -> MappingConfig:
    """Which column means what: proposed from names and contents, corrected by the user."""
    there = cached.folder(folder)
    tables = tables_in(there)
    if not tables:
        raise StudyError("The folder holds no table (CSV, TSV, Parquet or Excel); put one beside the pictures.")
    table = st.selectbox("Table", tables, key=f"table-{folder}") if len(tables) > 1 else tables[0]
    names, proposal, rows = cached.proposal(folder, table)
    st.markdown(f"**Columns** of {rows:,} rows: a proposal, for you to correct")
    chosen: dict[str, object] = {"table": table, "separator": proposal.separator}
    key, options = f"map-{folder}-{table}", [NONE, *names]
    for place, what in zip(st.columns(4) * 2, COLUMNS, strict=False):
        own = options.index(getattr(proposal, what) or NONE)
        found = place.selectbox(what.capitalize(), options, own, key=f"{key}-{what}", help=HELP[what])
        chosen[what] = "" if found == NONE else found
    proposed = list(proposal.findings)
    chosen["findings"] = st.multiselect("Findings", names, proposed, key=f"{key}-f", help=HELP["findings"])
    chosen["keep"] = st.multiselect("Keep for filtering", names, [], key=f"{key}-k", help="not salted: keep no names")
    if len(typing.cast(list[str], chosen["findings"])) == 1:
        chosen["separator"] = st.text_input("Between names of findings", proposal.separator, key=f"{key}-s") or "|"
    return MappingConfig.from_json(chosen)


HELP = {field.name: settings_of(field).help for field in dataclasses.fields(MappingConfig)}


def launch(config: ImportConfig) -> None:
    """Keep the settings and start the process."""
    try:
        Import.begin(config)
    except FluoroscopeError as error:
        st.error(plain(str(error)))
        return
    st.toast(f"Importing {config.name}: it goes on when this page is closed.")


@st.fragment(run_every=1.0)
def listed() -> None:
    """Imports of this workspace, live."""
    guarded(lambda: status.cards(list_imports(), status.import_card, name="all-imports"))


def page() -> None:
    header("Import", "Which radiographs, from where? Each is read once; what cannot be read is listed, not lost.")
    try:
        config = settings(choose_folder())
    except FluoroscopeError as error:
        st.error(plain(str(error)))
        config = None
    if st.button("Import", type="primary", icon=":material/download:", disabled=config is None) and config:
        launch(config)
    if list_imports():
        st.subheader("Imports", anchor=False)
        listed()


page()
