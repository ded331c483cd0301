"""Maps of a run: their scores are the run's own, they are kept, and typed words are not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from core.asking.text_side import TextSide
from core.attention.image_side import ImageSide
from core.attention.looked import Looked
from core.attention.maps import Saliency
from core.errors import ArtefactError, ConfigError, InputError, RunError
from core.processes import kill_tree, process_of
from core.runs import Run
from core.studies.study import Study
from core.work_list import all_work
from tests.finished import command, printed
from tests.tiny import until

SECRET = "Jane Doe has an effusion"
FINDING = "Effusion"


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def sample_of(run: Run) -> str:
    study = Study.load(run.config.study)
    return str(study.samples["id"].iloc[study.rows("test")[0]])


@pytest.mark.parametrize("preset", ["orthogonal", "linear", "contrastive", "zero-shot"])
def test_a_score_is_what_the_run_has_predicted(own: dict[str, Run], preset: str) -> None:
    run = own[preset]
    side, looked = ImageSide.load(run), Looked.of(run)
    table = run.predictions().set_index("id")
    for finding in ("Effusion", "Mass"):
        found = side.look(looked.look(sample_of(run), finding=finding))
        told = table.loc[sample_of(run)]
        if preset in ("orthogonal", "linear"):
            assert found.scored_by == "logit"
            assert 1 / (1 + np.exp(-found.score)) == pytest.approx(told[f"probability:{finding}"], abs=1e-3)
        else:
            assert found.scored_by == "cosine to the prompt"
            assert found.score == pytest.approx(told[f"cosine:{finding}"], abs=1e-3)
        assert found.values.shape == (7, 7) and (found.empty or found.values.max() == 1)
    assert not any(one.requires_grad for one in [*side.tower.parameters(), *side.head.parameters()])
    assert not side.tower.training and not side.head.training


def test_a_score_of_words(own: dict[str, Run]) -> None:
    run = own["contrastive"]
    found = ImageSide.load(run).look(Looked.of(run).look(sample_of(run), text=SECRET))
    images = run.embeddings("images")
    image = images.vectors[list(images.ids).index(sample_of(run))]
    assert found.scored_by == "cosine to the text"
    assert found.score == pytest.approx(float(image @ TextSide.load(run).embed(SECRET)), abs=1e-3)


def test_the_map_moves_the_score(own: dict[str, Run]) -> None:
    """Greyed out where the map is high, the logit falls more than where it is low."""
    run = own["linear"]
    side, study = ImageSide.load(run), Study.load(run.config.study)
    for row in study.rows("test").tolist():
        found = side.look(Looked.of(run).look(str(study.samples["id"].iloc[row]), finding=FINDING))
        if not found.empty:
            break
    picture = study.images[row].astype(np.float32)
    large = np.kron(found.values.astype(np.float32), np.ones((10, 10)))[3:67, 3:67]  # near enough: 7 x 7 over 64 x 64
    order = np.argsort(large.ravel(), kind="stable")
    logits = []
    for hidden in (order[-600:], order[:600]):
        changed = picture.copy().ravel()
        changed[hidden] = picture.mean()
        pixels = torch.from_numpy(changed.reshape(1, 1, *picture.shape))
        with torch.no_grad():
            logits.append(float(side.disease_score(FINDING)[0](side.tower(pixels))))
    assert logits[0] < logits[1]


def test_maps_are_kept_by_weights_target_and_method(own: dict[str, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    run = own["linear"]
    looked = Looked.of(run)
    monkeypatch.setattr(Looked, "start", lambda self: self._make("questions"))
    look = looked.look("x", finding=FINDING)
    others = [
        looked.look("y", finding=FINDING),
        looked.look("x", finding="Mass"),
        looked.look("x", text=FINDING),
        looked.look("x", finding=FINDING, method="rollout"),
        Looked.of(own["orthogonal"]).look("x", finding=FINDING),
    ]
    assert len({look.name, *(one.name for one in others)}) == 6
    assert looked.look("x", text=f" {SECRET} ").name == looked.look("x", text=SECRET).name
    looked.ask(look)
    assert looked.waiting() == [look] and looked.answer(look) is None
    values = np.array([[0, 0.5], [1, 0.25]], np.float16)
    told = {"highest": 2.0, "score": -1.5, "scored_by": "logit", "method": "Grad-CAM", "where": "part, 2 x 2"}
    looked.keep(look, Saliency(values=values, **told))  # type: ignore[arg-type]
    found = looked.answer(look)
    assert found is not None and np.array_equal(found.values, values) and not looked.waiting()
    assert {name: getattr(found, name) for name in told} == told
    looked.ask(look)
    assert not looked.waiting()  # it is there: no question
    data = looked.stem(look.name).with_suffix(".safetensors")
    assert data.stat().st_size < 200
    data.write_bytes(data.read_bytes()[:-1] + b"\1")
    assert looked.answer(look) is None
    with pytest.raises(ArtefactError, match="SHA-256"):
        Saliency.load(looked.stem(look.name))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "one of the two"),
        ({"finding": "Mass", "text": "mass"}, "one of the two"),
        ({"text": "x" * 501}, "1 to 500"),
    ],
)
def test_what_is_no_target_is_refused(own: dict[str, Run], given: dict[str, str], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        Looked.of(own["linear"]).look("x", **given)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="gradient, rollout"):
        Looked.of(own["linear"]).look("x", finding="Mass", method="other")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "values", [np.zeros(3, np.float16), np.zeros((2, 2), np.float32), np.full((2, 2), 2, np.float16)]
)
def test_what_is_no_map_is_refused(values: np.ndarray) -> None:
    with pytest.raises(InputError, match="saliency map"):
        Saliency(values=values, highest=1.0, score=0.0, scored_by="", method="", where="")


def test_a_question_without_an_answer_stops_no_other_one(own: dict[str, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    run = own["contrastive"]
    looked = Looked.of(run)
    monkeypatch.setattr(Looked, "start", lambda self: self._make("questions"))
    looks = [
        looked.look("nobody", finding=FINDING),
        looked.look(sample_of(run), finding="Gout"),
        looked.look(sample_of(run), finding=FINDING, method="rollout"),
        looked.look(sample_of(run), finding=FINDING),
    ]
    for look in looks:
        looked.ask(look)
    answer = looked.answerer()
    for look in looked.waiting():
        answer(look)
    for look, why in zip(looks, ("no radiograph of this id", "no finding 'Gout'", "convolutional"), strict=False):
        with pytest.raises(RunError, match=why):
            looked.answer(look)
    assert looked.answer(looks[-1]) is not None and not looked.waiting()


def test_a_run_without_embeddings_is_not_asked(own: dict[str, Run]) -> None:
    run = own["linear"]
    (run.folder / "embeddings" / "embeddings.json").unlink()
    with pytest.raises(RunError, match="no embeddings yet"):
        Looked.of(run).ask(Looked.of(run).look("x", finding=FINDING))


@pytest.fixture
def ended(own: dict[str, Run]) -> Iterator[Looked]:
    looked = Looked.of(own["contrastive"])
    yield looked
    for role in ("runner", "worker"):
        if pid := process_of(looked.folder, role):
            kill_tree(pid)
    until(lambda: not looked.state().busy)


@pytest.mark.slow
def test_the_real_process_answers_and_forgets_words(ended: Looked) -> None:
    home, sample = ended.run.folder.parent.parent, sample_of(ended.run)
    asked = ["scripts.look", ended.run.id[:8], "--sample", sample]
    told = printed(command(home, *asked, "--finding", FINDING))
    assert "cosine to the prompt" in told and "starting: it loads the image tower" in told and "7 x 7" in told
    first = process_of(ended.folder, "worker")
    assert ended.warm and f"{ended.run.id[:8]}/attention" in {item.id for item in all_work()}
    assert "cosine to the text" in printed(command(home, *asked, "--text", SECRET))
    assert process_of(ended.folder, "worker") == first
    assert b"Jane" not in everything(ended.run.folder) and b"effusion" not in everything(ended.folder)
    assert "no radiograph of this id" in printed(
        command(home, "scripts.look", ended.run.id, "--sample", "x", "--finding", FINDING), code=1
    )
    assert ended.stop()
    until(lambda: not ended.state().busy)
    assert printed(command(home, *asked, "--finding", FINDING)).count("Grad-CAM") == 1  # kept: nothing is started
    assert ended.state().stopped
