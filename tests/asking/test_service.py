"""The real process: two askers at once, killed, stopped, idle; and the command that asks it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.asking.questions import Asked, Question
from core.asking.service import tidy
from core.asking.warm import IDLE
from core.errors import RunError
from core.metrics.neighbours import nearest
from core.processes import kill_tree, process_of
from core.runs import Run
from tests.finished import command, printed
from tests.odd import all_stages, one_process, quick
from tests.tiny import tiny_study, until

pytestmark = pytest.mark.slow
SECONDS = 120.0


@pytest.fixture
def run(workspace: Path) -> Iterator[Run]:
    with one_process():
        tiny_study(counts=(12, 4, 4), text=True)
        made = all_stages(quick("contrastive"))
    yield made
    asked = Asked.of(made)
    for role in ("runner", "worker"):
        if pid := process_of(asked.folder, role):
            kill_tree(pid)
    until(lambda: not asked.state().busy)


def answered(asked: Asked, text: str) -> NDArray[np.float32]:
    name = asked.ask(text)
    until(lambda: asked.answer(name) is not None, SECONDS)
    found = asked.answer(name)
    assert found is not None
    return found


def test_one_process_for_all_who_ask_through_kills_and_stops(run: Run) -> None:
    asked = Asked.of(run)
    with ThreadPoolExecutor(2) as pool:  # two browsers, at the same moment, in the cold
        one, other = pool.map(lambda text: answered(asked, text), ("Jane Doe has a mass", "John Doe has a nodule"))
    assert abs(float(one @ one) - 1) < 1e-5 and not np.allclose(one, other)
    first = process_of(asked.folder, "worker")
    assert first is not None and asked.warm
    answered(asked, "warm words")
    assert process_of(asked.folder, "worker") == first

    kill_tree(first)
    until(lambda: not asked.state().busy)
    assert asked.state().failed
    name = asked.ask("after a kill")
    until(lambda: asked.answer(name) is not None, SECONDS)
    assert np.array_equal(answered(asked, "Jane Doe has a mass"), one)

    until(lambda: asked.warm)
    assert asked.stop()
    until(lambda: not asked.state().busy)
    assert asked.state().stopped
    log = (asked.folder / "log.txt").read_text()
    assert log.count("is loaded") == 2  # at the start, and after the kill
    kept = b"".join(path.read_bytes() for path in run.folder.rglob("*") if path.is_file())
    assert b"Doe" not in kept and b"after a kill" not in kept


def test_it_ends_when_nobody_asks_and_the_command_starts_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(IDLE, "0.5")
    asked, home = Asked.of(run), run.folder.parent.parent
    lines = printed(command(home, "scripts.find", run.id[:8], "two blobs", "--count", "3"))
    found = re.findall(r"^(r\d{3})  ([+-]0\.\d{4})  \S", lines, re.MULTILINE)
    until(lambda: not asked.state().busy, SECONDS)
    assert asked.state().done
    vector = asked.answer(asked.name("two blobs"))
    assert vector is not None
    images = run.embeddings("images")
    expected = nearest(images.vectors, vector, 3)
    assert [name for name, _ in found] == [images.ids[row] for row in expected.indices]
    assert np.allclose([float(cosine) for _, cosine in found], expected.cosines, atol=5e-5)
    printed(command(home, "scripts.find", run.id[:8], "two blobs"))  # answered before: nothing is started
    assert asked.state().done and (asked.folder / "log.txt").read_text().count("is loaded") == 1


def test_what_is_of_no_more_use_is_removed(run: Run) -> None:
    """Answers of other weights, damaged manifests, and words that somebody who was killed left half-written."""
    asked = Asked.of(run)
    (asked.folder / "questions").mkdir(parents=True)
    asked.give(Question("old", "words", "other weights"), np.array([1, 0], np.float32))
    asked.give(Question("new", "words", asked.weights()), np.array([1, 0], np.float32))
    (asked.folder / "answers" / "torn.json").write_text("{")
    stale, fresh = (asked.folder / "questions" / f".{name}.json.x.tmp" for name in ("stale", "fresh"))
    for path in (stale, fresh):
        path.write_text("Jane Doe")
    os.utime(stale, (time.time() - 3600,) * 2)
    tidy(asked, asked.weights())
    assert sorted(path.name for path in (asked.folder / "answers").iterdir()) == ["new.json", "new.safetensors"]
    assert fresh.exists() and not stale.exists()


def test_what_it_cannot_load_is_told_to_who_asks(run: Run) -> None:
    weights = run.folder / "checkpoints" / "head.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    asked = Asked.of(run)
    name = asked.ask("Jane Doe")

    def told() -> bool:
        try:
            asked.answer(name)
        except RunError as error:
            return "torn or altered" in str(error)
        return False

    until(told, SECONDS)
    until(lambda: not asked.under_way(name))
