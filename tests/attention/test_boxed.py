"""The pointing game over radiographs with boxes: which ones, what is kept, and what makes it play again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.attention.boxed import Boxed, attention_work, boxed_pairs, kept_map
from core.attention.looked import Looked
from core.attention.maps import Saliency
from core.errors import RunError, Stopped
from core.files import read_json, write_json
from core.metrics.pointing import point
from core.runs import Run
from core.studies.study import Study
from core.work import StopRequest
from core.work_list import all_work
from tests.finished import command, printed
from tests.odd import one_process
from tests.tiny import tiny_study


def test_which_radiographs(own: dict[str, Run]) -> None:
    study = Study.load("tiny")
    pairs, words = boxed_pairs(study)
    assert words == "test radiographs" and len(pairs) == len(study.boxes) > 8
    test = set(study.samples["id"].to_numpy()[study.rows("test")].tolist())
    assert {sample for sample, _, _ in pairs} <= test
    for sample, finding, boxes in pairs:
        assert study.labels[study.places[sample], study.findings.index(finding)] == 1
        assert boxes.shape == (1, 4) and boxes[0, 2:].tolist() == [208 / 1024] * 2
    assert boxed_pairs(study, "all")[1] == "all radiographs"


def test_two_boxes_of_a_finding_are_one_pair(own: dict[str, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    study = Study.load("tiny")
    ids = study.samples["id"].to_numpy()[study.rows("train")][:2].tolist()
    rows = [[ids[0], "Mass", 0, 0, 1, 1], [ids[0], "Mass", 0, 0, 0.5, 1], [ids[1], "Gout", 0, 0, 1, 1], ["x", "Mass"]]
    table = pd.DataFrame(
        [[*row, *[0.1] * (6 - len(row))] for row in rows], columns=["id", "finding", "x", "y", "width", "height"]
    )
    monkeypatch.setattr(Study, "boxes", table)
    pairs, words = boxed_pairs(Study.load("tiny"))
    assert words == "all radiographs"  # no test radiograph has one
    ((sample, finding, boxes),) = pairs
    assert (sample, finding, boxes.shape) == (ids[0], "Mass", (2, 4))


def test_a_study_without_boxes_says_so(workspace: object) -> None:
    with pytest.raises(RunError, match=r"no boxes.*BBox_List_2017"):
        boxed_pairs(tiny_study(counts=(4, 2, 2)))


def test_played_kept_and_played_again_when_weights_change(own: dict[str, Run]) -> None:
    run = own["linear"]
    boxed, looked, study = Boxed.of(run), Looked.of(run), Study.load("tiny")
    assert boxed.result() is None
    boxed.folder.mkdir()
    with one_process():
        boxed.carry_out()
    found = boxed.result()
    assert found is not None and found.rows == "test radiographs"
    pairs = boxed_pairs(study)[0]
    assert len(found.table) == len(pairs)
    for row, (sample, finding, boxes) in zip(found.table.to_dict("records"), pairs, strict=True):
        kept = kept_map(run, sample, finding)
        again = point(kept.values, boxes)
        assert (row["id"], row["finding"], row["score"]) == (sample, finding, kept.score)
        assert (row["hit"], row["area"], row["centre"], row["empty"]) == (
            again.hit,
            again.area,
            again.centre,
            again.empty,
        )
    own_finding = found.by_finding(study.findings)
    assert sum(one.n for one in own_finding.values()) == found.overall().n == len(pairs)
    assert sum(one.hits for one in own_finding.values()) == found.overall().hits == int(found.table["hit"].sum())
    assert found.overall().area == pytest.approx((208 / 1024) ** 2)
    assert list(own_finding) == [name for name in study.findings if name in set(found.table["finding"])]
    head = run.folder / "checkpoints" / "head.json"
    told = read_json(head)
    write_json(head, {**told, "file": {**told["file"], "sha256": "0" * 64}})
    assert boxed.result() is None
    with pytest.raises(RunError, match=f"scripts.look {run.id[:8]} --sample {pairs[0][0]} --finding"):
        kept_map(run, pairs[0][0], pairs[0][1])
    assert looked.kept(looked.look(*pairs[0][:1], finding=pairs[0][1]).name) is None


def test_stopped_it_keeps_its_maps_and_goes_on(own: dict[str, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    run, made = own["linear"], []
    boxed = Boxed.of(run)
    boxed.folder.mkdir()
    values = np.array([[1, 0], [0, 0]], np.float16)

    class Side:
        study = Study.load("tiny")

        def look(self, look: object) -> Saliency:
            made.append(look)
            return Saliency(values=values, highest=1.0, score=0.5, scored_by="logit", method="m", where="w")

    class StopAfterThree(StopRequest):
        def check(self) -> None:
            if len(made) == 3:
                raise Stopped

    monkeypatch.setattr("core.attention.image_side.ImageSide.load", lambda run: Side())
    with one_process():
        with monkeypatch.context() as patch, pytest.raises(Stopped):
            patch.setattr("core.attention.boxed.StopRequest", StopAfterThree)
            boxed.carry_out()
        assert boxed.result() is None and len(made) == 3
        boxed.carry_out()
    found = boxed.result()
    assert found is not None and len(made) == len(found.table)  # none was made twice
    # the highest place is at 16 of 64 from the left and top; the squares end at 15 and begin at 18 from the left
    assert not found.table["hit"].any()


def test_boxes_that_changed_make_the_result_old(own: dict[str, Run]) -> None:
    run = own["linear"]
    boxed = Boxed.of(run)
    boxed.folder.mkdir()
    table = pd.DataFrame([["a", "Mass", 0.1, "logit", "m", True, 0.5, 0.2, False, False]])
    table.columns = pd.Index(
        ["id", "finding", "score", "scored_by", "method", "hit", "inside", "area", "centre", "empty"]
    )
    study = Study.load("tiny")
    boxed._keep(table, "test radiographs", Looked.of(run).weights(), study)
    assert boxed.result() is not None
    manifest = read_json(study.folder / "study.json")
    manifest["files"]["boxes.parquet"]["sha256"] = "0" * 64
    write_json(study.folder / "study.json", manifest)
    assert boxed.result() is None


def test_which_work_a_name_means(own: dict[str, Run]) -> None:
    run = own["linear"]
    assert attention_work(f"{run.id}/pointing") == Boxed.of(run)
    assert attention_work(f"{run.id[:8]}/attention") == Looked.of(run)


@pytest.mark.slow
def test_the_command_plays_and_tells(own: dict[str, Run]) -> None:
    run = own["orthogonal"]
    told = printed(command(run.folder.parent.parent, "scripts.look", run.id[:8], "--boxes"))
    found = Boxed.of(run).result()
    assert found is not None
    (last,) = [line for line in told.splitlines() if line.startswith("all ")]
    assert f"n={len(found.table)}" in last and "test radiographs; hit rate" in told
    assert ("pointing", f"{run.id[:8]}/pointing", "finished") in {(i.kind, i.id, i.state.words) for i in all_work()}
