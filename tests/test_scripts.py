"""The commands, as they are typed: what they print, how they end, and what they say of a mistake."""

from __future__ import annotations

import dataclasses
import re
import signal
import subprocess
import sys
import time
import types
import typing
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.config.base import Config, settings_of
from core.config.presets import PRESETS
from core.config.run import HeadConfig, RunConfig
from core.jobs import STOPPED
from core.runs import Run, list_runs
from core.studies.vocabulary import NIH_FINDINGS, display_name
from core.workspace import ROOT
from scripts import run as run_script
from scripts import study as study_script
from scripts.common import main
from tests.finished import QUICK, WHOLE, Finished, command, printed
from tests.tiny import tiny_study, until


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a command ended that ran in this process."""

    code: int
    out: str
    err: str


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> types.FunctionType:
    """Runs a command's own code in this process, which is quicker than a new one."""

    def run(module: types.ModuleType, *arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", [f"python -m {module.__name__}", *arguments])
        monkeypatch.setenv("COLUMNS", "250")
        code = 0
        try:
            main(module.work)
        except SystemExit as ended:
            code = int(ended.code or 0)
        return Ended(code, *capsys.readouterr())

    return run  # type: ignore[return-value]


@pytest.mark.parametrize("preset", WHOLE)
def test_a_run_prints_its_table_and_folder(finished: Finished, preset: str) -> None:
    text, run = finished.printed[preset], Run.load(finished.runs[preset])
    assert f"{preset} · lite on tiny: 12 test radiographs of 6 patients" in text
    rows = {row["finding"]: row for row in run.evaluation()["test"]["findings"]}
    for name in NIH_FINDINGS:
        (line,) = re.findall(rf"^{display_name(name)} .*$", text, re.MULTILINE)
        area = rows[name]["auroc"]["value"]
        assert line.split()[len(display_name(name).split())] == str(rows[name]["positives"])
        assert (f" {area:.3f} [" if area is not None else " – ") in line
    macro = run.evaluation()["test"]["macro"]
    assert f"macro ({macro['n_findings']} findings)" in text
    assert f" {macro['auroc']['value']:.3f} [" in text
    assert "modality gap" in text
    assert f"run folder: {run.folder}" in text
    assert "Traceback" not in text
    assert "Warning" not in text
    assert all(f"{stage} " in text[text.index("took: ") :] for stage in ("features", "embed", "evaluate", "project"))
    assert [path.name for path in (finished.home / "runs").glob(f"{run.id}/exit.json")] == ["exit.json"]
    assert run.state().done


def test_the_import_prints_what_it_found(finished: Finished) -> None:
    text = finished.printed["import"]
    assert "study tiny: 64 radiographs of 32 patients, 64 x 64 pixels" in text
    assert re.search(r"splits: train \d\d, val \d+, test 12", text)
    assert "Pleural thickening" in text
    assert "set aside: 2" in text
    assert "1 x no picture of that name (rows 67)" in text
    assert re.search(r"1 x not a picture that can be decoded .*\(rows 66\)", text)


def test_the_log_is_kept_with_the_run(finished: Finished) -> None:
    tail = Run.load(finished.runs["orthogonal"]).log_tail()
    assert "study tiny: 64 radiographs; encoder lite" in tail
    assert "step 6/6" in tail
    assert "validation auroc" in tail


def leaves(config: type[Config], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Names as on the command line, and help, of all settings."""
    for field in dataclasses.fields(config):  # type: ignore[arg-type]
        kind = typing.get_type_hints(config)[field.name]
        if isinstance(kind, type) and issubclass(kind, Config):
            yield from leaves(kind, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name.replace("_", "-"), settings_of(field).help


def test_help_lists_every_setting_with_its_help(workspace: Path) -> None:
    text = printed(command(workspace, "scripts.run", "--help", columns=100))
    plain = re.sub(r"[│╭╮╰╯─\s]+", " ", text)
    settings = list(leaves(RunConfig))
    assert len(settings) > 30
    for name, words in settings:
        assert f"--{name} " in plain or f"--{name}|" in plain or f"--{name}," in plain, name
        assert words, name
        assert " ".join(words.split()) in plain, name
    for option in ("--preset", "--study", "--encoder", "--resume", "--background"):
        assert option in plain
    assert not workspace.exists()


@pytest.mark.parametrize("name", ["train", "embed", "evaluate", "project"])
def test_a_stage_command_knows_itself(workspace: Path, name: str) -> None:
    text = printed(command(workspace, f"scripts.{name}", "abc"), code=1)
    assert text == "RunError: 0 runs begin with 'abc'; give the id of one: there is none yet.\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--study nope", "StudyError: No study 'nope'; there is: tiny."),
        ("--study ../x", "ConfigError: '../x' cannot name a study"),
        ("--study tiny --encoder nope", "ConfigError: No encoder 'nope'. Give one of lite, clip, biomedclip"),
        ("--resume nope", "RunError: 0 runs begin with 'nope'"),
        ("--study tiny --training.epochs -1", "ConfigError: TrainingConfig.epochs is -1; it must lie between 0 and"),
        ("--study tiny --training.learning-rate nan", "ConfigError: TrainingConfig.learning_rate is nan"),
    ],
)
def test_a_mistake_is_told_in_one_line(workspace: Path, typed: types.FunctionType, arguments: str, words: str) -> None:
    tiny_study(counts=(4, 2, 2))
    ended = typed(run_script, *arguments.split())
    assert ended.code == 1, ended
    assert ended.err.startswith(words)
    assert ended.err.count("\n") == 1
    assert ended.out == ""
    assert list_runs() == [], "a mistake leaves no run behind"


@pytest.mark.parametrize(
    "arguments",
    [
        "--study tiny --preset nope",
        "--study tiny --training.epochs many",
        "--study tiny --no-such-setting 3",
        "--study tiny --head.kind nope",
        "--resume abc --training.epochs 3",
    ],
)
def test_a_wrong_argument_is_refused(workspace: Path, typed: types.FunctionType, arguments: str) -> None:
    tiny_study(counts=(4, 2, 2))
    ended = typed(run_script, *arguments.split())
    assert ended.code == 2, ended
    assert arguments.rsplit(maxsplit=1)[-1] in ended.err or arguments.split()[-2] in ended.err
    assert "Traceback" not in ended.err
    assert list_runs() == []


def test_a_wrong_study_in_a_process_of_its_own(workspace: Path) -> None:
    tiny_study(counts=(4, 2, 2))
    text = printed(command(workspace, "scripts.run", "--study", "nope"), code=1)
    assert text.count("\n") == 1
    assert text.startswith("StudyError: No study 'nope'")


def test_the_studies_are_listed(workspace: Path, typed: types.FunctionType) -> None:
    assert typed(study_script, "list") == Ended(0, "", "")
    tiny_study(counts=(4, 2, 2))
    assert re.fullmatch(r"tiny +8 radiographs  Blobs\n", typed(study_script, "list").out)


def test_an_import_of_nothing_is_told(workspace: Path, tmp_path: Path, typed: types.FunctionType) -> None:
    (tmp_path / "empty").mkdir()
    ended = typed(study_script, "import", "nih", "--path", str(tmp_path / "empty"), "--name", "tiny")
    assert ended.code == 1
    assert "This folder is not in NIH's layout: it lacks Data_Entry_2017*.csv" in ended.err
    assert not (workspace / "studies" / "tiny").exists()


@pytest.mark.slow
def test_the_stages_one_by_one_make_the_same_run(workspace: Path) -> None:
    tiny_study(counts=(3, 1, 1), findings=NIH_FINDINGS[:1])  # fewer than eight points are mapped without UMAP: quick
    config = PRESETS["linear"]("tiny", "lite").replace(head=HeadConfig(kind="linear", width=16))
    model, run = Run.create(config), Run.create(config)
    text = printed(command(workspace, "scripts.evaluate", run.id[:8]), code=1)
    assert f"RunError: Run {run.id[:8]} has no embed stage yet: `python -m scripts.embed {run.id[:8]}`" in text
    assert "Traceback" not in text
    assert run.failure() is not None
    for stage in ("train", "embed", "evaluate", "project"):
        text = printed(command(workspace, f"scripts.{stage}", run.id[:8]))
        assert f"{stage} done: {run.folder}" in text
        assert run.has(stage)
    assert run.failure() is None
    assert "1 test radiographs of 1 patients" in printed(command(workspace, "scripts.run", "--resume", model.id))
    for name in ("images", "texts", "prompts"):
        np.testing.assert_array_equal(run.embeddings(name).vectors, model.embeddings(name).vectors)
    pd.testing.assert_frame_equal(run.predictions(), model.predictions())
    assert run.evaluation() == model.evaluation()
    np.testing.assert_array_equal(run.projection().coordinates, model.projection().coordinates)


@pytest.mark.slow
def test_in_the_background_and_resumed_with_ctrl_c(workspace: Path) -> None:
    tiny_study(counts=(40, 4, 4))
    settings = "--study tiny --preset linear --background --training.checkpoint-every 0 --training.epochs 5000"
    run = Run.load(printed(command(workspace, "scripts.run", *settings.split())).strip())
    assert run.state().busy
    busy = printed(command(workspace, "scripts.run", "--resume", run.id[:8]), code=1)
    assert busy.startswith("RunBusy: A process is already at work")
    assert run.stop()
    until(lambda: not run.state().busy)
    assert run.state().words == "stopped"
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell put into the background ignores
    follower = command(workspace, "scripts.run", "--resume", run.id[:8])
    signal.signal(signal.SIGINT, before)
    until(lambda: (run.folder / "metrics.jsonl").exists() and "step" in (run.folder / "metrics.jsonl").read_text(), 60)
    time.sleep(0.5)
    follower.send_signal(signal.SIGINT)
    text = printed(follower, code=STOPPED)
    assert "Asked to save and stop" in text
    assert f"Run {run.id[:8]} stopped." in text
    assert "Traceback" not in text
    assert (run.state().code, run.state().words) == (STOPPED, "stopped")
    assert list((run.folder / "checkpoints").glob("step-*/manifest.json"))


def test_a_light_command_imports_nothing_heavy() -> None:
    light = "import sys, scripts.run, scripts.study, scripts.ablate"
    code = f"{light}\nprint({{'torch', 'umap', 'transformers'}} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "set()\n"


def test_the_quick_settings_are_settings() -> None:
    names = {name for name, _ in leaves(RunConfig)}
    assert {word.removeprefix("--") for word in QUICK.split()[::2]} <= names
