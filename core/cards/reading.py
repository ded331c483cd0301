"""A model folder, read as what a stranger made: everything is checked before anything is used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.cards.folder import (
    CONFIG,
    LABELS,
    MANIFEST,
    MOST_BYTES,
    MOST_IN_MANIFEST,
    PROMPTS,
    README,
    THRESHOLDS,
    WEIGHTS,
    check_file,
    opened,
    read_object,
    refuse,
    shown,
)  # fmt: skip
from core.cards.shapes import BOUND, head_shapes, widths
from core.cards.tensors import Claim, check_finite, check_shapes, read_header
from core.config.encoders import HUB, LITE, LOCAL, EncoderConfig
from core.config.model import FORM, ModelConfig
from core.errors import ConfigError
from core.files import sha256, verify
from core.metrics.thresholds import Threshold

MOST_LABELS, MOST_LETTERS = 2000, 200
TOWERS = "towers."
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9][\w .:+/-]{0,199}", re.ASCII)
_PRESET = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_PRINT = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model folder whose every file was checked.

    Attributes:
        folder: where it lies.
        config: what builds it again.
        labels: its findings, in order.
        thresholds: for each of them.
        digest: SHA-256 of the manifest, which says the SHA-256 of all else.
    """

    folder: Path
    config: ModelConfig
    labels: tuple[str, ...]
    thresholds: Mapping[str, Threshold]
    digest: str

    @property
    def bound(self) -> bool:
        """Whether its head knows its own findings alone."""
        return self.config.head.kind in BOUND

    @property
    def lacks_towers(self) -> bool:
        """Whether a tower came from a folder of another machine, so that somebody has to say where it lies here."""
        return any(tower.name == LOCAL for tower in (self.config.encoder.image, self.config.encoder.text))

    def card(self) -> str:
        """The text of its card, for people."""
        return (self.folder / README).read_text(encoding="utf-8", errors="replace")


def read_model(path: str | Path) -> Model:
    """Check a folder and open it; nothing in it is executed, and nothing is kept of it.

    Raises:
        ArtefactError: a file is missing, altered, torn, too large, a link, or not of its form; says which.
    """
    folder = opened(path)
    _check_files(folder)
    config = _config(read_object(folder / CONFIG))
    labels = _labels(read_object(folder / LABELS))
    thresholds = _thresholds(read_object(folder / THRESHOLDS), labels)
    _check_weights(folder / WEIGHTS, config, len(labels))
    _check_prompts(folder / PROMPTS, len(labels))
    return Model(folder=folder, config=config, labels=labels, thresholds=thresholds, digest=sha256(folder / MANIFEST))


def _check_files(folder: Path) -> None:
    """All files are there, are files, and have the bytes that the manifest says."""
    manifest = read_object(check_file(folder, MANIFEST, MOST_IN_MANIFEST))
    _check_form(manifest, MANIFEST, {"form", "files"})
    files = manifest["files"]
    if not isinstance(files, dict) or set(files) != set(MOST_BYTES):
        odd = sorted(set(files) ^ set(MOST_BYTES)) if isinstance(files, dict) else ["no list of files"]
        refuse(f"{MANIFEST} names other files than a model folder has ({shown(odd[0])}); they are {_list(MOST_BYTES)}")
    for name, most in MOST_BYTES.items():
        verify(check_file(folder, name, most), files[name])


def _check_form(found: Any, file: str, names: set[str]) -> None:
    if not isinstance(found, dict):
        refuse(f"{file} is no JSON object")
    if found.get("form") != FORM or isinstance(found.get("form"), bool):
        given = shown(found.get("form", "none"))
        refuse(f"{file} is of form {given}, and this version reads form {FORM}", "Use the version that wrote it.")
    if names and set(found) != names:
        refuse(f"{file} holds {_list(found)}; it must hold {_list(names)}")


def _config(found: Any) -> ModelConfig:
    _check_form(found, CONFIG, set())
    try:
        config = ModelConfig.from_json(found)
        config.to_run("any").check()
    except (ConfigError, OverflowError, RecursionError) as error:
        refuse(f"{CONFIG} is not of our form: {str(error)[:400]}")
    if not _PRESET.fullmatch(config.preset):
        refuse(f"{CONFIG} names the preset {shown(config.preset)}; a name has 1 to 64 of a-z, 0-9 and '-'")
    prints = [config.weights.image, config.weights.text, *(one.fingerprint for one in config.trained_on)]
    if odd := [one for one in prints if not _PRINT.fullmatch(one)]:
        refuse(f"{CONFIG} holds the fingerprint {shown(odd[0])}; one has 32 hex digits")
    check_encoder(config.encoder)
    return config


def check_encoder(encoder: EncoderConfig) -> None:
    """Whether its towers are named as in a library or on a hub: no folder of a machine, which may be anybody's.

    Raises:
        ArtefactError: a name that is a path, or none at all.
    """
    if not _KEY.fullmatch(encoder.key) or ".." in encoder.key or ":/" in encoder.key:
        refuse(f"{CONFIG} calls the encoder {shown(encoder.key)}, which is a path or no name")
    for tower in (encoder.image, encoder.text):
        own = tower.name == LITE.name if tower.family == "lite" else _NAME.fullmatch(tower.name.removeprefix(HUB))
        if (own or tower.name == LOCAL) and ".." not in tower.name and re.fullmatch(r"[\w.-]{0,100}", tower.pretrained):
            continue
        refuse(
            f"{CONFIG} names the tower {shown(f'{tower.family}:{tower.name}')}, which is a path or no name of a "
            "library's model; a model folder may not say what is read of this machine",
            "Where the towers lie in a folder here, the card says 'local-dir:', and you say where (--encoder).",
        )


def _labels(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list) or len(found) > MOST_LABELS:
        refuse(f"{LABELS} is no list of up to {MOST_LABELS:,} findings")
    for label in found:
        if not isinstance(label, str) or not 0 < len(label) <= MOST_LETTERS or not label.isprintable():
            refuse(f"{LABELS} holds {shown(label)}; a finding is 1 to {MOST_LETTERS} letters that can be printed")
    if twice := [label for label in found if found.count(label) > 1]:
        refuse(f"{LABELS} holds {shown(twice[0])} twice, so nobody could tell whose number is whose")
    return tuple(found)


def _thresholds(found: Any, labels: tuple[str, ...]) -> dict[str, Threshold]:
    _check_form(found, THRESHOLDS, {"form", "chosen_on", "findings"})
    rows = found["findings"]
    names = {"finding", "value", "rule", "note"}
    if not isinstance(rows, list) or any(not isinstance(row, dict) or set(row) != names for row in rows):
        refuse(f"{THRESHOLDS} must hold {_list(names)} for each finding, and nothing else")
    if [row["finding"] for row in rows] != list(labels):
        refuse(f"{THRESHOLDS} is not of the findings of {LABELS}, in their order")
    for row in rows:
        value = row["value"]
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not 0 <= value <= 1:
            refuse(f"the threshold of {shown(row['finding'])} is {shown(value)}; it must lie between 0 and 1")
        if not all(isinstance(row[name], str) and len(row[name]) <= 500 for name in ("rule", "note")):
            refuse(f"rule and note of the threshold of {shown(row['finding'])} must be short texts")
    return {row["finding"]: Threshold(value=float(row["value"]), rule=row["rule"], note=row["note"]) for row in rows}


def _check_weights(path: Path, config: ModelConfig, findings: int) -> None:
    claims = read_header(path)
    own = {name: claim for name, claim in claims.items() if not name.startswith(TOWERS)}
    image, text = widths(config.head, own)
    classes = 3 if config.objective.classification_form == "three-class" else 2
    wanted = head_shapes(config.head, image=image, text=text, findings=findings, classes=classes)
    check_shapes(path.name, own, wanted)
    _check_towers(claims, config)
    check_finite(path, claims)


def _check_towers(claims: Mapping[str, Claim], config: ModelConfig) -> None:
    """Learned parts are of the towers that learned; whether they fit is known when the towers are loaded."""
    learned = {name.split(".")[1] for name in claims if name.startswith(TOWERS)}
    said = {"image": config.tuning.image, "text": config.tuning.text}
    wanted = {name for name, what in said.items() if what != "nothing"}
    if learned != wanted:
        refuse(
            f"{WEIGHTS} holds weights of the towers {_list(learned)}, but by {CONFIG} those that learned are "
            f"{_list(wanted)}"
        )


def _check_prompts(path: Path, findings: int) -> None:
    claims = read_header(path)
    shape = claims["positive"].shape if "positive" in claims else (findings, 0)
    width = shape[1] if len(shape) == 2 else 0
    check_shapes(path.name, claims, dict.fromkeys(("positive", "negative"), (findings, width)))
    check_finite(path, claims)


def _list(names: Any) -> str:
    listed = [str(name)[:40] for name in sorted(names, key=str)[:12]]
    return ", ".join(listed) or "none"
