"""Any table whose rows name pictures; a mapping says which column means what."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.config.importing import ImportConfig, MappingConfig
from core.errors import StudyError
from core.studies.folder import Folder
from core.studies.listing import Listing, ages, column, part, sexes
from core.studies.mapping import MOST_NAMES, NOTHING, SPLIT_WORDS, VALUES, bare, open_table, propose
from core.studies.study import PREFIX
from core.studies.tables import ROW, Problems

NONE = frozenset({"", "no finding", "no findings", "normal", "healthy", "negative", "unremarkable"})
"""Names in a column of findings that mean there is none, in lower case; words of ``NOTHING`` say nothing."""


def read(config: ImportConfig, folder: Folder) -> Listing:
    """List a folder by its table.

    Raises:
        StudyError: one report of everything that is wrong with the table.
    """
    name, table = open_table(folder, config.mapping.table)
    mapping = config.mapping if config.mapping.image else proposed(config.mapping, propose(folder, table, name))
    problems = Problems()
    _check_columns(table, mapping, problems)
    problems.check()
    names = table[mapping.image].tolist()
    files, reasons = folder.locate(names, within=name.rpartition("/")[0])
    _check_files(table, files, problems)
    splits, strange = _splits(table, mapping)
    if strange.any():
        problems.add(
            f"{int(strange.sum())} splits in column {mapping.split!r} are not known",
            table.loc[strange, ROW],
            todo=f"write {', '.join(sorted(SPLIT_WORDS))}; or leave the column out for a split by patient.",
        )
    findings = _labels(table, mapping, problems)
    problems.check()
    if mapping.split:
        reasons = np.where((reasons == "") & (splits == ""), "no split is named", reasons).astype(object)
    kept, aside = part(_samples(table, files, mapping, splits, findings), names, reasons)
    return Listing(
        title=f"Table of {len(kept):,} radiographs",
        folder=folder,
        findings=tuple(findings),
        samples=kept,
        set_aside=aside,
        notes=_notes(mapping, findings),
    )


def proposed(given: MappingConfig, found: MappingConfig) -> MappingConfig:
    """What the user did not say is taken from the proposal; what stands between names goes with their column."""
    changes = {key: value for key, value in found.to_json().items() if not getattr(given, key)}
    if "findings" in changes and given.separator == MappingConfig().separator:
        changes["separator"] = found.separator
    return MappingConfig.from_json({**given.to_json(), **changes})


def _check_columns(table: pd.DataFrame, mapping: MappingConfig, problems: Problems) -> None:
    if not mapping.image:
        names = ", ".join(repr(name) for name in table.columns if name != ROW)
        problems.add(
            "no column names files of this folder",
            todo=f"say which one does (`--mapping.image`); there are {names[:600]}.",
        )
    named = [mapping.image, mapping.text, mapping.patient, mapping.split, mapping.age, mapping.sex, mapping.view]
    lacking = [name for name in (*named, *mapping.findings, *mapping.keep) if name and name not in table]
    if lacking:
        there = ", ".join(name for name in table.columns if name != ROW)
        problems.add(f"the table lacks the columns {lacking}", todo=f"it has {there[:600]}.")


def _check_files(table: pd.DataFrame, files: list[str], problems: Problems) -> None:
    if table.empty:
        problems.add("the table has a header but no rows", todo="export it again.")
        return
    again = pd.Series(files, dtype=object)
    again = (again != "") & again.duplicated()
    if again.any():
        problems.add(
            f"{int(again.sum())} pictures are named twice", table.loc[again, ROW], todo="keep one row of each."
        )
    if not any(files):
        problems.add(
            f"none of the {len(files)} pictures named in it is in the folder",
            table[ROW],
            todo="put the pictures beside the table, or name another column (`--mapping.image`).",
        )


def _splits(table: pd.DataFrame, mapping: MappingConfig) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """The split of each row, and which cells hold a word that is not known."""
    if not mapping.split:
        return np.full(len(table), "", dtype=object), np.zeros(len(table), bool)
    words = table[mapping.split].fillna("").str.strip().str.lower()
    splits = words.map(SPLIT_WORDS).astype(object).where(words.isin(SPLIT_WORDS), "")
    return splits.to_numpy(object), ((splits == "") & (words != "")).to_numpy(bool)


def _labels(table: pd.DataFrame, mapping: MappingConfig, problems: Problems) -> dict[str, NDArray[np.float32]]:
    """Findings with their labels: one column each, or all named in one column."""
    if len(mapping.findings) == 1 and not _is_label(table[mapping.findings[0]]):
        return _named(table, mapping, problems)
    found = {}
    for name in mapping.findings:
        cells = table[name].fillna("").str.strip().str.lower()
        strange = ~cells.isin(VALUES)
        if strange.any():
            problems.add(  # the cells are not shown: a column taken by mistake may hold patients
                f"{int(strange.sum())} cells of finding {name!r} are no labels",
                table.loc[strange, ROW],
                todo="write 1, 0, -1 (uncertain) or nothing; or do not name this column as a finding.",
            )
        found[name] = cells.map(VALUES).to_numpy(np.float32)
    return found


def _is_label(cells: pd.Series) -> bool:
    """Whether a column holds labels, rather than names; cells that say nothing decide nothing."""
    words = cells.dropna().str.strip().str.lower()
    words = words[~words.isin(NOTHING)]
    return bool(words.empty or words.isin(VALUES).mean() > 0.5)


def _named(table: pd.DataFrame, mapping: MappingConfig, problems: Problems) -> dict[str, NDArray[np.float32]]:
    """One column that holds names; a cell without any says nothing, a finding that is not named is absent."""
    codes, different = pd.factorize(table[mapping.findings[0]], use_na_sentinel=False)  # few combinations, many rows
    named = [_names(cell, mapping.separator) for cell in different]
    spelled: dict[str, str] = {}
    for own in named:
        for one in own or ():
            spelled.setdefault(one.lower(), one)
    findings = sorted(spelled[word] for word in spelled if word not in NONE)
    if len(findings) > MOST_NAMES:
        problems.add(
            f"column {mapping.findings[0]!r} names {len(findings)} different findings",
            todo=f"at most {MOST_NAMES} are read; are they separated by {mapping.separator!r} (`--mapping.separator`)?",
        )
        return {}
    words = [None if own is None else {one.lower() for one in own} for own in named]
    return {
        one: np.array([np.nan if own is None else float(one.lower() in own) for own in words], np.float32)[codes]
        for one in findings
    }


def _names(cell: object, separator: str) -> list[str] | None:
    """The findings that a cell names, each once for all spellings of its capitals; None where it says nothing."""
    if pd.isna(cell):
        return None
    names = [bare(one) for one in str(cell).split(separator)]
    names = [one for one in names if one.lower() not in NOTHING]
    return names or None


def _samples(
    table: pd.DataFrame,
    files: list[str],
    mapping: MappingConfig,
    splits: NDArray[np.object_],
    findings: dict[str, NDArray[np.float32]],
) -> pd.DataFrame:
    count = len(table)
    nothing = pd.Series([None] * count, dtype=object)

    def of(name: str) -> pd.Series:
        return table[name] if name else nothing

    samples = pd.DataFrame(
        {
            "file": pd.Series(files, dtype=object),
            ROW: table[ROW],
            "patient": column(of(mapping.patient), count),
            "split": splits,
            "text": column(of(mapping.text), count),
            "age": ages(of(mapping.age)),
            "sex": sexes(of(mapping.sex)),
            "view": column(of(mapping.view), count),
            **{PREFIX + name: values for name, values in findings.items()},
        }
    )
    if clash := [name for name in mapping.keep if name in samples or name == "id"]:
        raise StudyError(
            f"Columns {clash} cannot be kept under these names: the study has columns of its own called so."
        )
    return samples.assign(**{name: column(table[name], count) for name in mapping.keep})


def _notes(mapping: MappingConfig, findings: dict[str, NDArray[np.float32]]) -> list[str]:
    used = {what: getattr(mapping, what) for what in ("image", "text", "patient", "split", "age", "sex", "view")}
    named = ", ".join(f"{what} from {name!r}" for what, name in used.items() if name)
    notes = [f"Columns: {named}; findings from {', '.join(map(repr, mapping.findings)) or 'none'}."]
    if not findings:
        notes.append(
            "There are no findings: nothing can be classified, retrieval and the modality gap can be measured."
        )
    elif len(mapping.findings) == 1 and mapping.findings[0] not in findings:
        notes.append(
            "Findings were named in one column: one that is not named counts as absent. 'No finding' and 'normal' say "
            "that all are absent; cells without a name, or of 'none' or 'unknown', that nothing is known."
        )
    if not mapping.text:
        notes.append("There is no text: text for training is made from the findings.")
    return notes
