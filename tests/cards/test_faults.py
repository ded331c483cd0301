"""A model folder that a stranger made: each fault gives one clear error, and nothing of it is kept or executed."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from core.cards.folder import CONFIG, LABELS, MANIFEST, MOST_BYTES, PROMPTS, README, RESULTS, THRESHOLDS, WEIGHTS
from core.cards.keeping import keeping
from core.errors import ArtefactError
from tests.cards.changing import Change, header, put, restamp, tensors, text, without

TERA = 2**40
LONG = "x" * 201


def cut(name: str, size: int) -> Change:
    return lambda folder: os.truncate(folder / name, size)


def link(name: str) -> Change:
    def change(folder: Path) -> None:
        (folder / name).rename(folder.parent / "elsewhere")
        (folder / name).symlink_to(folder.parent / "elsewhere")

    return change


def a_folder(folder: Path) -> None:
    (folder / README).unlink()
    (folder / README).mkdir()


def reversed_labels(folder: Path) -> None:
    (folder / LABELS).write_text(json.dumps(json.loads((folder / LABELS).read_text())[::-1]))


def with_a_tail(folder: Path) -> None:
    with (folder / WEIGHTS).open("ab") as stream:
        stream.write(b"x")


def huge_count(held: dict) -> None:
    held["mean"]["shape"] = [TERA]


def huge_offsets(held: dict) -> None:
    held["mean"].update(shape=[TERA], data_offsets=[0, 4 * TERA])


def overlapping(held: dict) -> None:
    held["std"]["data_offsets"] = held["mean"]["data_offsets"]


def many_numbers(held: dict) -> None:
    held["bias"]["shape"] = [1] * 9


TRUE = {
    "form of config": (put(CONFIG, "form", value=2), "config.json is of form '2', and this version reads form 1"),
    "no form": (without(CONFIG, "form"), "config.json is of form 'none'"),
    "form true": (put(CONFIG, "form", value=True), "config.json is of form 'True'"),
    "form of thresholds": (put(THRESHOLDS, "form", value=7), "thresholds.json is of form '7'"),
    "unknown setting": (put(CONFIG, "hook", value="os.system"), r"does not know \['hook'\]"),
    "unknown setting within": (put(CONFIG, "head", "code", value=1), r"HeadConfig does not know \['code'\]"),
    "missing setting": (without(CONFIG, "encoder"), "missing 1 required"),
    "wrong type": (put(CONFIG, "seed", value="0"), "ModelConfig.seed is '0'; it must be int"),
    "out of range": (put(CONFIG, "head", "width", value=10**9), "must lie between 2 and 4096"),
    "prodigious": (put(CONFIG, "head", "dropout", value=10**400), "config.json is not of our form"),
    "prompt without finding": (put(CONFIG, "prompts", "positive", value=["x"]), "needs one template or more"),
    "fingerprint": (put(CONFIG, "weights", "image", value="../../x"), "holds the fingerprint '../../x'"),
    "preset": (put(CONFIG, "preset", value="../x"), "names the preset '../x'"),
    "torn JSON": (cut(CONFIG, 100), "config.json is not valid JSON"),
    "list for object": (text(CONFIG, "[]"), "config.json is no JSON object"),
    "NaN": (text(LABELS, "[NaN]"), "labels.json is not valid JSON .NaN is no number"),
    "deep": (text(LABELS, "[" * 100_000), "labels.json is not valid JSON"),
    "twice": (text(THRESHOLDS, '{"form": 1, "form": 1}'), "a name stands twice"),
    "binary": (text(CONFIG, b"\xff\xfe\x00"), "config.json is not valid JSON"),
    "no list of labels": (text(LABELS, '"Edema"'), "labels.json is no list"),
    "label repeated": (put(LABELS, 1, value="Atelectasis"), "holds 'Atelectasis' twice"),
    "label empty": (put(LABELS, 0, value=""), "labels.json holds ''"),
    "label long": (put(LABELS, 0, value=LONG), "1 to 200 letters"),
    "label unprintable": (put(LABELS, 0, value="a\x1b[2Jb"), "that can be printed"),
    "label a number": (put(LABELS, 0, value=1), "labels.json holds '1'"),
    "labels in another order": (
        reversed_labels,
        "not of the findings of labels.json, in their order",
    ),
    "threshold high": (put(THRESHOLDS, "findings", 0, "value", value=1.5), "is '1.5'; it must lie between 0 and 1"),
    "threshold low": (put(THRESHOLDS, "findings", 0, "value", value=-0.1), "is '-0.1'; it must lie between"),
    "threshold true": (put(THRESHOLDS, "findings", 0, "value", value=True), "is 'True'; it must lie between"),
    "threshold huge": (put(THRESHOLDS, "findings", 0, "value", value=10**400), "must lie between|not valid JSON"),
    "threshold null": (put(THRESHOLDS, "findings", 0, "value", value=None), "is 'None'; it must lie between"),
    "threshold unknown key": (put(THRESHOLDS, "findings", 0, "code", value=1), "must hold finding, note, rule, value"),
    "threshold missing": (without(THRESHOLDS, "findings", 0), "not of the findings of labels.json"),
    "threshold note": (put(THRESHOLDS, "findings", 0, "note", value=["x"]), "must be short texts"),
    "weights torn": (cut(WEIGHTS, 5000), "model.safetensors is torn"),
    "weights of 3 bytes": (cut(WEIGHTS, 3), "model.safetensors is torn, or not safetensors"),
    "weights with a tail": (with_a_tail, "its tensors need"),
    "header claims terabytes": (text(WEIGHTS, TERA.to_bytes(8, "little") + b"{}"), "header claims 1,099,511,627,776"),
    "header no JSON": (text(WEIGHTS, (4).to_bytes(8, "little") + b"\x80\x04K\x01"), "of model.safetensors is not"),
    "header a list": (text(WEIGHTS, (2).to_bytes(8, "little") + b"[]"), "of model.safetensors is no JSON object"),
    "tensor claims terabytes": (header(WEIGHTS, huge_count), "'mean' of .* does not fit its bytes"),
    "tensor far outside": (header(WEIGHTS, huge_offsets), "begins at byte|is torn"),
    "tensors overlap": (header(WEIGHTS, overlapping), "begins at byte|does not fit its bytes"),
    "tensor of nine dimensions": (header(WEIGHTS, many_numbers), "not a few whole numbers"),
    "tensor of objects": (header(WEIGHTS, lambda held: held["mean"].update(dtype="O")), "is of dtype 'O'"),
    "tensor with more said": (header(WEIGHTS, lambda held: held["mean"].update(code="x")), "something else than dtype"),
    "tensor of negative shape": (header(WEIGHTS, lambda held: held["mean"].update(shape=[-1])), "not a few whole"),
    "tensor missing": (tensors(WEIGHTS, lambda held: held.pop("bias")), "lacks the tensor 'bias'"),
    "tensor that tells the width missing": (tensors(WEIGHTS, lambda held: held.pop("mean")), "lacks the tensor 'mean'"),
    "tensor unknown": (tensors(WEIGHTS, lambda held: held.update(hook=held["bias"])), "holds the tensor 'hook'"),
    "tensor of another shape": (
        tensors(WEIGHTS, lambda held: held.update(bias=np.zeros(3, np.float32))), r"'bias' is F32 \[3\]; .* F32 \[14\]",
    ),
    "tensor of whole numbers": (
        tensors(WEIGHTS, lambda held: held.update(bias=held["bias"].astype(np.int64))), "'bias' is I64",
    ),
    "tensor of half precision": (
        tensors(WEIGHTS, lambda held: held.update(bias=held["bias"].astype(np.float16))), "is of dtype 'F16'",
    ),
    "not finite": (
        tensors(WEIGHTS, lambda held: held.update(bias=np.full(14, np.nan, np.float32))), "'bias' holds a number that",
    ),
    "infinite at the end": (
        tensors(WEIGHTS, lambda held: held["image.weight"].__setitem__((-1, -1), np.inf)), "'image.weight' holds a",
    ),
    "weights of a tower that did not learn": (
        tensors(WEIGHTS, lambda held: held.update({"towers.image.x": held["bias"]})), "of the towers image, but",
    ),
    "a tower that learned without weights": (put(CONFIG, "tuning", "image", value="lora"), "learned are image"),
    "prompts of other findings": (
        tensors(PROMPTS, lambda held: held.update(positive=held["positive"][:3].copy())), "'positive' is F32",
    ),
    "prompts not finite": (
        tensors(PROMPTS, lambda held: held["negative"].__setitem__((0, 0), np.nan)), "'negative' holds a number",
    ),
    "path of a tower": (put(CONFIG, "encoder", "image", value={"family": "timm", "name": "local-dir:/etc"}),
                        "names the tower 'timm:local-dir:/etc', which is a path"),
    "tower above": (put(CONFIG, "encoder", "text", value={"family": "bert", "name": "../secret"}), "which is a path"),
    "tower at home": (put(CONFIG, "encoder", "text", value={"family": "bert", "name": "~/secret"}), "which is a path"),
    "tower above a hub": (
        put(CONFIG, "encoder", "text", value={"family": "bert", "name": "hf-hub:a/.."}), "which is a path",
    ),
    "path of weights": (put(CONFIG, "encoder", "image", value={"family": "open_clip", "name": "ViT-B-32",
                        "pretrained": "/etc/x.pt"}), "which is a path"),
    "unknown family": (put(CONFIG, "encoder", "image", "family", value="eval"), "TowerConfig.family is 'eval'"),
    "encoder called as a path": (put(CONFIG, "encoder", "key", value="/etc/x"), "calls the encoder '/etc/x'"),
    "encoder called as a folder": (put(CONFIG, "encoder", "key", value="timm:/etc/x"), "calls the encoder"),
}  # fmt: skip
"""Name of a fault: what is changed (the manifest then fits again), and what the error says."""


def refused(folder: Path, workspace: Path, match: str) -> str:
    with pytest.raises(ArtefactError, match=match) as told, keeping(folder):
        pytest.fail("it was taken")
    assert not list((workspace / "models").glob("*")), "nothing is kept"
    message = str(told.value)
    assert str(folder) not in message and len(message) < 900
    return message


@pytest.mark.parametrize("fault", TRUE)
def test_a_folder_whose_manifest_fits_is_refused_for_what_is_in_it(folder: Path, workspace: Path, fault: str) -> None:
    change, match = TRUE[fault]
    change(folder)
    restamp(folder)
    refused(folder, workspace, match)


@pytest.mark.parametrize("name", [*MOST_BYTES, MANIFEST])
def test_a_missing_file_is_named(folder: Path, workspace: Path, name: str) -> None:
    (folder / name).unlink()
    assert "A model folder holds README.md, config.json" in refused(folder, workspace, f"{name} is missing")


@pytest.mark.parametrize("name", MOST_BYTES)
def test_a_flipped_bit_is_found(folder: Path, workspace: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[-2] ^= 1
    (folder / name).write_bytes(data)
    refused(folder, workspace, f"{name} does not have the SHA-256")


@pytest.mark.parametrize("name", [RESULTS, WEIGHTS, MANIFEST])
def test_links_are_refused(folder: Path, workspace: Path, name: str) -> None:
    link(name)(folder)
    refused(folder, workspace, f"{name} is a link")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (text(MANIFEST, "[]"), "manifest.json is no JSON object"),
        (put(MANIFEST, "form", value=2), "manifest.json is of form '2'"),
        (put(MANIFEST, "files", "../../etc/passwd", value={}), "names other files than a model folder has"),
        (put(MANIFEST, "files", "hook.py", value={}), "'hook.py'"),
        (without(MANIFEST, "files", README), "'README.md'"),
        (put(MANIFEST, "files", value=[]), "names other files"),
        (put(MANIFEST, "files", README, value="x"), "neither size nor SHA-256"),
        (put(MANIFEST, "files", README, "bytes", value=1), "its manifest says 1: torn or altered"),
        (put(MANIFEST, "code", value=1), "manifest.json holds code, files, form; it must hold files, form"),
        (text(MANIFEST, " " * 70_000), "manifest.json has 70,000 bytes; up to 65,536"),
        (cut(README, 5 * 1024**2), "README.md has 5,242,880 bytes; up to 4,194,304"),
        (cut(WEIGHTS, 20 * 1024**3), "up to 17,179,869,184"),
        (a_folder, "README.md is no plain file"),
    ],
)
def test_a_manifest_that_lies_and_files_that_are_too_large(
    folder: Path, workspace: Path, change: Change, match: str
) -> None:
    change(folder)
    refused(folder, workspace, match)


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.pkl"])
def test_a_pickle_in_place_of_the_weights_is_never_opened(folder: Path, workspace: Path, name: str) -> None:
    went_off = folder.parent / "went off"
    (folder / WEIGHTS).unlink()
    (folder / name).write_bytes(pickle.dumps(Bomb(went_off)))
    refused(folder, workspace, f"'{name}' in place of model.safetensors.*never opened here")
    (folder / WEIGHTS).write_bytes(pickle.dumps(Bomb(went_off)))
    restamp(folder)
    refused(folder, workspace, "model.safetensors is torn, or not safetensors")
    assert not went_off.exists()


def test_no_folder(tmp_path: Path, workspace: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "absent", tmp_path / "file"):
        refused(path, workspace, "there is no such folder")


def test_a_folder_as_it_should_be_is_kept_once(folder: Path, workspace: Path) -> None:
    for _ in range(2):
        with keeping(folder) as model:
            assert model.folder.parent == workspace / "models"
    assert [path.name for path in (workspace / "models").iterdir()] == [model.folder.name]
    (model.folder / WEIGHTS).write_bytes(b"torn later")
    with keeping(folder) as model:
        assert (model.folder / WEIGHTS).stat().st_size > 1000, "a copy that was torn is made anew"


def test_what_fails_later_leaves_no_model_behind(folder: Path, workspace: Path) -> None:
    with pytest.raises(ZeroDivisionError), keeping(folder):
        raise ZeroDivisionError
    assert not list((workspace / "models").iterdir())
    with keeping(folder):
        pass
    with pytest.raises(ZeroDivisionError), keeping(folder):
        raise ZeroDivisionError
    assert len(list((workspace / "models").iterdir())) == 1, "one that was there before stays"
