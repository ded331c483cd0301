"""A finished run judged on another study: what it learned is taken over, findings are asked for, strangers only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.config.presets import preset
from core.config.run import RunConfig
from core.demands import new_run, on_another_study
from core.errors import RunError, StudyError
from core.pipeline import Pipeline
from core.runs import Run, common_study
from core.studies.study import Study
from core.studies.vocabulary import NIH_FINDINGS
from tests.tiny import tiny_study

FEW = ("Pleural Effusion", "Mass", "Fracture")


def quick(name: str, study: str = "tiny") -> RunConfig:
    made = preset(name, study=study, encoder="lite")
    training = made.training.replace(epochs=min(2, made.training.epochs), batch_size=16)
    return made.replace(
        head=made.head.replace(width=16),
        training=training,
        evaluation=made.evaluation.replace(replicates=20),
        projection=made.projection.replace(epochs=10),
    )


def carried_out(config: RunConfig) -> Run:
    run = new_run(config)
    ready = Pipeline(run)
    ready.train()
    ready.embed()
    ready.evaluate()
    return run


@pytest.fixture
def studies(workspace: Path) -> tuple[Study, Study]:
    """One to train on, and one of other patients, of which two findings are known to the first."""
    other = tiny_study("other", findings=FEW, seed=5)
    table = other.samples.assign(patient="q" + other.samples["patient"])
    table.to_parquet(other.folder / "samples.parquet", index=False)
    return tiny_study(), restamped(other)


def restamped(study: Study) -> Study:
    """The study with a changed table, stamped anew."""
    from core.files import stamp, write_json

    manifest = dict(study.manifest)
    manifest["files"] = {**manifest["files"], "samples.parquet": stamp(study.folder / "samples.parquet")}
    write_json(study.folder / "study.json", manifest)
    return Study.load(study.name)


def test_a_study_is_asked_for_other_findings(studies: tuple[Study, Study]) -> None:
    seen = studies[1].asked_for(("Mass", "Effusion", "Hernia"))
    assert np.array_equal(seen.labels[:, 0], studies[1].labels[:, 1])
    assert np.array_equal(seen.labels[:, 1], studies[1].labels[:, 0])  # another word for the same
    assert np.isnan(seen.labels[:, 2]).all()
    assert studies[1].asked_for(()) is studies[1]
    assert seen.fingerprint == studies[1].fingerprint


@pytest.mark.parametrize("name", ["orthogonal", "linear"])
def test_a_head_made_for_findings_is_asked_for_these(studies: tuple[Study, Study], name: str) -> None:
    source = carried_out(quick(name))
    run = carried_out(on_another_study(source, "other"))
    assert run.config.findings == NIH_FINDINGS and run.config.losses == ()
    assert "→ other" in run.title
    report = run.evaluation()["test"]
    by_name = {row["finding"]: row for row in report["findings"]}
    assert by_name["Effusion"]["auroc"]["value"] is not None and by_name["Mass"]["auroc"]["value"] is not None
    assert by_name["Hernia"]["auroc"]["value"] is None and by_name["Hernia"]["positives"] == 0
    assert run.embeddings("prompts").ids == list(NIH_FINDINGS)
    np.testing.assert_allclose(run.embeddings("prompts").vectors, source.embeddings("prompts").vectors, atol=1e-6)
    assert common_study([run]) == ("other", NIH_FINDINGS)


def test_the_same_pictures_get_the_same_answers(studies: tuple[Study, Study]) -> None:
    source = carried_out(quick("orthogonal"))
    again = carried_out(on_another_study(source, "tiny"))
    own, other = source.predictions(), again.predictions()
    assert list(own) == list(other)
    columns = [column for column in own if column.startswith(("probability", "cosine"))]
    np.testing.assert_allclose(own[columns], other[columns], atol=1e-5)


def test_a_contrastive_run_is_judged_on_the_findings_of_the_other_study(studies: tuple[Study, Study]) -> None:
    source = carried_out(quick("lora"))
    run = carried_out(on_another_study(source, "other"))
    assert run.config.findings == ()
    assert run.embeddings("prompts").ids == list(FEW)
    assert run.evaluation()["zero_shot"]["pos"]["aurocs"][0] is not None
    frozen, moved = run.embeddings("prompts-frozen").vectors, run.embeddings("prompts").vectors
    assert frozen.shape[1] != moved.shape[1]


def test_patients_of_the_training_are_refused(studies: tuple[Study, Study]) -> None:
    source = carried_out(quick("linear"))
    leaking = tiny_study("leaking", seed=7)
    table = leaking.samples
    table.loc[table["split"] == "test", "patient"] = "p-train-0"
    table.loc[table["split"] == "train", "patient"] = "elsewhere"
    table.to_parquet(leaking.folder / "samples.parquet", index=False)
    restamped(leaking)
    with pytest.raises(StudyError, match=r"1 of the patients to be judged .* were in the training split of run"):
        new_run(on_another_study(source, "leaking"))


def test_a_run_that_is_not_finished_is_refused(workspace: Path) -> None:
    tiny_study()
    with pytest.raises(RunError, match="no embed stage yet"):
        on_another_study(Run.create(quick("linear")), "tiny")


def test_runs_that_ask_for_different_findings_are_not_compared(workspace: Path) -> None:
    tiny_study()
    one, two = Run.create(quick("linear")), Run.create(quick("linear").replace(findings=("Mass",)))
    with pytest.raises(RunError, match="different findings"):
        common_study([one, two])
