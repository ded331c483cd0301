"""The orthogonal module on real CLIP and BiomedCLIP vectors, and the processes that make sets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from core.config.vectors import OrthogonaliseConfig, VectorImportConfig
from core.errors import ArtefactError, ConfigError, InputError, RunBusy, Stopped
from core.imported import ImportedSet, import_embeddings, remove_set, set_names
from core.logbook import read_metrics
from core.metrics.similarity import OffDiagonal, cosine_matrix, off_diagonal
from core.vectors.making import FORGOTTEN, Making, list_makings
from core.vectors.orthogonalising import Orthogonaliser, orthogonalise
from tests.finished import command, printed
from tests.tiny import until


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Never:
    asked = False


class Now:
    asked = True


def imported(real_data: Path, file: str, name: str) -> ImportedSet:
    folder = real_data / "text_embeddings"
    return import_embeddings(folder / f"{file}_basic.pt", name, labels=str(folder / "reference.json"))


def cosines(one: ImportedSet) -> OffDiagonal:
    return off_diagonal(cosine_matrix(one.embedding.vectors))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["gram", "absolute", "cross-entropy"])
@pytest.mark.parametrize("file", ["clip", "biomedclip"])
def test_300_steps_on_real_embeddings(workspace: Path, real_data: Path, file: str, form: str) -> None:
    """Gram and absolute end at right angles; the cross-entropy goes on to the simplex, as the field knows."""
    source = imported(real_data, file, "source")
    config = OrthogonaliseConfig.from_json({"source": "source", "name": "made", "form": form})
    made = orthogonalise(config, workspace / "embeddings/made", Never())  # type: ignore[arg-type]
    assert made.labels == source.labels and made.embedding.vectors.shape == (14, 512)
    found = cosines(ImportedSet.load("made"))
    if form == "cross-entropy":
        assert found.mean == pytest.approx(-0.075, abs=0.004)  # the simplex itself: -1/13 = -0.0769
        assert found.mean_abs == pytest.approx(0.085, abs=0.01)
    else:
        assert found.mean_abs < 0.01
    rows = read_metrics(workspace / "embeddings/made/metrics.jsonl")
    assert [row["step"] for row in rows] == list(range(1, 301))
    assert rows[-1]["loss"] < 0.01 * rows[0]["loss"]
    assert rows[0]["mean_cosine"] > 0.5 and rows[-1]["mean_abs_cosine"] == pytest.approx(found.mean_abs, abs=2e-3)


@pytest.fixture
def small(workspace: Path, tmp_path: Path) -> ImportedSet:
    """Five vectors of eight dimensions that all point much the same way."""
    np.save(tmp_path / "five.npy", np.random.default_rng(0).normal(size=(5, 8)) + 3)
    return import_embeddings(tmp_path / "five.npy", "five", labels=list("abcde"))


def settings(**more: object) -> OrthogonaliseConfig:
    return OrthogonaliseConfig.from_json({"source": "five", "name": "made", "steps": 20} | more)


class TestTheModule:
    def test_what_the_set_says_of_its_making(self, small: ImportedSet, workspace: Path) -> None:
        config = settings(seed=3, width=12)
        made = orthogonalise(config, workspace / "embeddings/made", Never())  # type: ignore[arg-type]
        origin = made.manifest["origin"]
        assert (origin["source"], origin["source_fingerprint"]) == ("five", small.fingerprint)
        assert origin["settings"] == {
            "form": "gram", "steps": 20, "seed": 3, "learning_rate": 1e-3, "scale": 10.0, "width": 12, "layers": 1,
            "attention_heads": 4,
        }  # fmt: skip
        assert origin["width"] == 12 == made.embedding.vectors.shape[1]
        assert origin["chance"] == 1 / 12 and origin["floor"] == 0.0
        assert set(made.manifest["files"]) == {"vectors.json", "vectors.safetensors", "metrics.jsonl"}
        rows = read_metrics(workspace / "embeddings/made" / origin["curve"])
        assert len(rows) == 20 and rows[-1]["loss"] == origin["last_loss"]

    def test_the_first_loss_is_that_of_the_untrained_module(self, small: ImportedSet) -> None:
        work = Orthogonaliser(small.embedding.vectors, settings(form="absolute"))
        untrained = off_diagonal(cosine_matrix(work.output())).mean_abs
        assert next(iter(work.steps()))["loss"] == pytest.approx(untrained, abs=1e-5)

    def test_the_seed_decides(self, small: ImportedSet) -> None:
        def made(seed: int) -> np.ndarray:
            work = Orthogonaliser(small.embedding.vectors, settings(seed=seed))
            assert len(list(work.steps())) == 20
            return work.output()

        assert np.array_equal(made(0), made(0)) and not np.allclose(made(0), made(1), atol=0.01)

    def test_it_stops_when_asked_and_leaves_no_set(self, small: ImportedSet, workspace: Path) -> None:
        with pytest.raises(Stopped, match="begins anew"):
            orthogonalise(settings(), workspace / "embeddings/made", Now())  # type: ignore[arg-type]
        assert set_names() == ["five"]


class TestBeforeItStarts:
    @pytest.mark.parametrize(
        ("change", "error", "words"),
        [
            ({"source": "gone"}, ArtefactError, "no set of embeddings 'gone'; there are: five"),
            ({"name": "five"}, InputError, "'five' already"),
            ({"name": "../x"}, ConfigError, "cannot name a set"),
            ({"width": 10}, ConfigError, "multiple of the heads"),
        ],
    )
    def test_what_will_not_do(
        self, small: ImportedSet, workspace: Path, change: dict[str, object], error: type[Exception], words: str
    ) -> None:
        with pytest.raises(error, match=words):
            Making.begin(settings(**change))
        assert not (workspace / "embeddings/made").exists()

    def test_one_vector_has_nothing_to_part_from(self, workspace: Path, tmp_path: Path) -> None:
        np.save(tmp_path / "one.npy", np.ones((1, 8)))
        import_embeddings(tmp_path / "one.npy", "one", labels=["a"])
        with pytest.raises(InputError, match="holds one vector"):
            Making.create(settings(source="one"))

    @pytest.mark.parametrize("text", ["{}", "[]", '{"work": "import"}', '{"work": "rm", "settings": {}}'])
    def test_settings_of_another_form_are_not_listed(self, workspace: Path, text: str) -> None:
        (workspace / "embeddings/x").mkdir(parents=True)
        (workspace / "embeddings/x/config.json").write_text(text)
        assert list_makings() == []
        with pytest.raises((ConfigError, ArtefactError)):
            _ = Making.load("x").settings


class TestInTheBackground:
    def test_an_import_forgets_where_its_file_lay(self, workspace: Path, tmp_path: Path) -> None:
        np.save(tmp_path / "secretward.npy", np.eye(2))
        (tmp_path / "secretward.txt").write_text("a\nb")
        config = VectorImportConfig(
            path=str(tmp_path / "secretward.npy"), name="two", labels=str(tmp_path / "secretward.txt")
        )
        job = Making.begin(config)
        until(lambda: not job.state().busy, 120)
        assert job.state().done and ImportedSet.load("two").labels == ("a", "b")
        kept = json.loads((job.folder / "config.json").read_text())["settings"]
        assert kept["path"] == kept["labels"] == FORGOTTEN
        for path in job.folder.iterdir():
            assert b"secretward" not in path.read_bytes(), path.name
        assert list_makings() == []

    def test_a_failure_says_why_and_can_be_tried_again(self, workspace: Path, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", np.zeros((2, 2)))
        config = VectorImportConfig(path=str(tmp_path / "x.npy"), name="two", labels="nih")
        job = Making.begin(config)
        until(lambda: not job.state().busy, 120)
        assert job.failure() == "14 labels for 2 vectors: there must be one each, in the vectors' order."
        assert [one.id for one in list_makings()] == ["two"] and set_names() == []
        (tmp_path / "names.txt").write_text("a\nb")
        np.save(tmp_path / "x.npy", np.eye(2))
        job = Making.begin(config.replace(labels=str(tmp_path / "names.txt")))
        until(lambda: not job.state().busy, 120)
        assert job.failure() is None and set_names() == ["two"]

    def test_a_running_one_is_not_disturbed_and_can_be_stopped(self, small: ImportedSet) -> None:
        job = Making.begin(settings(steps=100_000))
        with pytest.raises(RunBusy):
            Making.begin(settings())
        with pytest.raises(RunBusy):
            remove_set("made")
        until((job.folder / "progress.json").exists, 120)
        assert job.stop()
        until(lambda: not job.state().busy, 120)
        assert job.state().stopped and set_names() == ["five"]
        remove_set("made")
        assert list_makings() == []

    def test_the_command_line(self, workspace: Path, tmp_path: Path, real_data: Path) -> None:
        folder = real_data / "text_embeddings"
        clip = [str(folder / "clip_basic.pt"), "--name", "clip", "--labels", str(folder / "reference.json")]
        told = printed(command(workspace, "scripts.embeddings", "import", *clip))
        assert "clip: 14 vectors of 512 dimensions, from a .pt file" in told
        assert "mean 0.8529, smallest 0.7569, largest 0.9615" in told and "uniformity -0.574" in told
        more = ["orthogonalise", "clip", "--out", "made", "--steps", "5", "--form", "absolute"]
        assert "from the orthogonal module on clip" in printed(command(workspace, "scripts.embeddings", *more))
        assert "already" in printed(command(workspace, "scripts.embeddings", *more), code=1)
        listed = printed(command(workspace, "scripts.embeddings", "list"))
        assert listed.index("made: 14") < listed.index("clip: 14")
        assert "removed" in printed(command(workspace, "scripts.embeddings", "remove", "made"))
        assert set_names() == ["clip"]
        bad = ["import", str(folder / "clip_basic.pt"), "--name", "bad", "--labels", "gone.txt"]
        assert "neither a vocabulary nor" in printed(command(workspace, "scripts.embeddings", *bad), code=1)
