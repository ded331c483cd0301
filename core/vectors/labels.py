"""Which label each vector has."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from core.errors import InputError
from core.studies.tables import encoding_of
from core.studies.vocabulary import VOCABULARIES

LONGEST = 200
MOST_BYTES = 16 * 1024**2
GIVE = (
    "give a text file with one label a line, a JSON list, or one of " + ", ".join(VOCABULARIES) + " (their findings "
    "in order)"
)


def named_labels(given: str) -> tuple[str, ...]:
    """The labels that a setting stands for: a vocabulary's findings in its order, or those of a file.

    Args:
        given: ``nih``, ``chexpert``, or the path of a .txt file with one label a line or of a .json file with a list
            (or an object that has one under ``labels``).

    Raises:
        InputError: neither a vocabulary nor such a file; names no path.
    """
    if given in VOCABULARIES:
        return VOCABULARIES[given]
    path = Path(given).expanduser()
    try:
        if not path.is_file() or path.suffix.lower() not in (".txt", ".json"):
            raise InputError(f"labels is neither a vocabulary nor a .txt or .json file on this machine: {GIVE}.")
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"The file of labels has {path.stat().st_size / 1e6:.0f} MB, which no list of names has.")
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"The file of labels cannot be read ({error.strerror}): check its permissions.") from error
    try:
        text = raw.decode(encoding_of(raw))
    except UnicodeDecodeError as error:
        raise InputError("The file of labels is no text in UTF-8: save it as UTF-8.") from error
    if path.suffix.lower() == ".txt":
        return tuple(text.rstrip().splitlines())
    return _of_json(text)


def _of_json(text: str) -> tuple[str, ...]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError('The file of labels is not valid JSON; it must hold a list such as ["Edema"].') from error
    found = found.get("labels") if isinstance(found, dict) else found
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise InputError('The JSON file of labels must hold a list of texts, or an object with one under "labels".')
    return tuple(found)


def checked_labels(labels: Sequence[str], count: int) -> tuple[str, ...]:
    """Labels in Unicode's composed form, without blanks around them, one for each of ``count`` vectors.

    Raises:
        InputError: of another number, empty, too long, not printable, or repeated; says which (rows from 1).
    """
    if len(labels) != count:
        raise InputError(f"{len(labels)} labels for {count} vectors: there must be one each, in the vectors' order.")
    found = tuple(" ".join(unicodedata.normalize("NFC", label).split()) for label in labels)
    for row, label in enumerate(found, 1):
        if not label or len(label) > LONGEST or not label.isprintable():
            what = f"has {len(label)} letters" if label.isprintable() else "holds signs that have no picture"
            raise InputError(f"The label of row {row} {what}: a label is 1 to {LONGEST} letters that can be printed.")
    if repeated := [label for label, times in Counter(found).items() if times > 1]:
        rows = [str(row) for row, label in enumerate(found, 1) if label == repeated[0]]
        raise InputError(
            f"{len(repeated)} labels repeat; {repeated[0]!r} is that of rows {', '.join(rows[:5])}. Each vector needs "
            "a label of its own: rename them, such as 'Edema, present' and 'Edema, absent'."
        )
    return found
