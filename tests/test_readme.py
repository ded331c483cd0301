"""Every command of the README is run: as it stands there, with a real name in the place of NAME, RUN, DIR and so on."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.config.presets import PRESETS, preset
from core.figures.browser import chromium
from core.figures.export import FORMATS
from core.files import write_json
from core.recipes.diseases import Auroc
from core.report.entry import Entry
from core.runs import Run
from core.studies.imports import Import
from core.studies.study import Study
from core.workspace import ROOT
from tests import readme
from tests.ablation.planned import of_finished
from tests.finished import WARD, Finished, nih_folder
from tests.shell import Shell
from tests.studies.small import written
from tests.studies.small_table import put, rows_of
from tests.studies.sources.test_dicom_folder import dicom

Show = Callable[[Shell, str], None]
"""Shows that a command does what the README says of it."""

FOLDERS: dict[str, Callable[[Path], object]] = {
    "empty": lambda folder: None,
    "nih": nih_folder,
    "table": lambda folder: put(folder, rows_of()),
    "dicom": lambda folder: [dicom(folder / f"IM{number}", number) for number in range(8)],
}
"""What may stand for DIR."""


@pytest.fixture
def shell(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """A copy of the workspace of finished runs, and beside it what the commands name."""
    made = Shell(finished, tmp_path, monkeypatch, capsys)
    made.words = {"RUN": finished.runs["orthogonal"][:8], "NAME": "tiny", "STUDY": "tiny", "FILE": "made"}
    return made


def prints(*wanted: str, **words: str) -> Show:
    """It ends well and prints these words."""

    def show(shell: Shell, command: str) -> None:
        ended = shell.type(command, **words)
        assert (ended.code, ended.begun) == (0, ""), ended.said
        assert all(word in ended.said for word in wanted), ended.said

    return show


def begins(process: str, **words: str) -> Show:
    """It takes every option and hands work over to a process in the background, which other tests watch at work."""

    def show(shell: Shell, command: str) -> None:
        ended = shell.type(command, **words)
        assert ended.begun.startswith(process), ended

    return show


def imports(folder: str, *wanted: str) -> Show:
    """It makes a study of a folder in this layout."""

    def show(shell: Shell, command: str) -> None:
        (source := shell.folder / "radiographs").mkdir()
        FOLDERS[folder](source)
        more = {"DIR": str(source), "NAME": "new"}
        ended = shell.type(command, **more)
        assert ended.code == 0, ended.said
        assert all(word in ended.said for word in ("study new:", *wanted)), ended.said
        assert len(Study.load("new"))

    return show


def misses(*wanted: str) -> Show:
    """It takes every option, looks into an empty folder and says what it lacks (full ones: tests/studies/sources)."""

    def show(shell: Shell, command: str) -> None:
        (source := shell.folder / "radiographs").mkdir()
        ended = shell.type(command, DIR=str(source), NAME="new")
        assert ended.code == 1 and "usage" not in ended.said, ended.said
        assert all(word in ended.said for word in wanted), ended.said

    return show


def after(first: Callable[[Shell], object], then: Show) -> Show:
    """It needs something that was made before."""

    def show(shell: Shell, command: str) -> None:
        first(shell)
        then(shell, command)

    return show


def target(*wanted: str) -> Show:
    """A target of the Makefile that would call these programs."""

    def show(shell: Shell, command: str) -> None:
        shown = subprocess.run(
            [*command.split(), "-n"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )
        assert shown.returncode == 0, shown.stderr
        assert all(word in shown.stdout for word in wanted), shown.stdout

    return show


def target_of(name: str) -> Show:
    """What a target of the Makefile calls where it may."""

    def show(shell: Shell, command: str) -> None:
        recipe = (ROOT / "Makefile").read_text().partition(f"\n{name}:")[2].partition("\n\n")[0]
        assert all(word in recipe for word in command.split())

    return show


def shown_by(test: str) -> Show:
    """Another test runs it as it is."""

    def show(shell: Shell, command: str) -> None:
        file, _, name = test.partition("::")
        assert re.search(rf"def {name}\b", (ROOT / file).read_text()), f"{test} is gone: what runs `{command}` now?"

    return show


def of_others(*programs: str) -> Show:
    """A program that is not ours, in its own words."""

    def show(shell: Shell, command: str) -> None:
        assert command.startswith(programs)

    return show


def every_preset(shell: Shell, command: str) -> None:
    for name in PRESETS:
        assert shell.type(command, PRESET=name).begun.startswith(RUN), name


def every_figure(shell: Shell, command: str) -> None:
    """Its formats that need Chromium, too, where there is one."""
    for form in FORMATS:
        ended = shell.type(command, svg=form)
        if form in ("svg", "pdf", "png") and chromium() is None:
            assert ended.code == 1 and "Chromium" in ended.said
        else:
            assert ended.code == 0, ended.said
            assert (shell.folder / "made").stat().st_size > 500


def exports(form: str) -> Show:
    """A figure in a file; without Chromium a PDF is refused in words."""

    def show(shell: Shell, command: str) -> None:
        ended = shell.type(command, OTHER=shell.finished.runs["contrastive"])
        drawn = form in ("html", "csv") or chromium() is not None
        assert ended.code == (0 if drawn else 1), ended.said
        assert not drawn or (shell.folder / "made").stat().st_size > 200

    return show


def a_look(shell: Shell, command: str) -> None:
    wanted = str(Study.load("tiny").samples["id"].iloc[0])
    assert shell.type(command, ID=wanted).begun.startswith("here: scripts.")


def a_model(shell: Shell) -> None:
    written(name="other")
    shell.type("python -m scripts.card RUN --out made")


def a_specification(shell: Shell, command: str) -> None:
    """As a report holds it; without Chromium the command says what is missing."""
    write_json(shell.folder / "figure.json", Entry(recipe=Auroc(runs=(shell.finished.runs["linear"],))).to_json())
    ended = shell.type(command, FILE="figure.json", FIGURE="figure.pdf")
    assert (ended.code == 0) == (chromium() is not None), ended.said
    assert chromium() is None or (shell.folder / "figure.pdf").read_bytes()[:5] == b"%PDF-"


def a_file_is_found(shell: Shell, command: str) -> None:
    """Among the radiographs that the finished runs' study was imported from."""
    wanted = str(Study.load("tiny").samples["id"].iloc[0])
    ended = shell.type(command, ID=wanted, DIR=str(shell.finished.home.parent / WARD))
    assert re.search(rf"^{wanted}  images_001/images/\d{{8}}_\d{{3}}.png$", ended.said, re.MULTILINE), ended.said


def measures(shell: Shell, command: str) -> None:
    """It is parsed and would begin; tests/test_bench_*.py measure small things."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scripts.common.main", lambda work: print("parsed", work))
        ended = shell.type(command)
    assert "parsed" in ended.said, ended.said


def an_ablation(shell: Shell) -> None:
    of_finished(shell.finished, "linear", "orthogonal")


def a_search(shell: Shell) -> None:
    shell.type("python -m scripts.search --study tiny --preset linear --trials 2")


def a_set(shell: Shell, name: str = "clip") -> None:
    """Vectors and labels in files, as the README's example has them, and the set of them."""
    import torch

    vectors = np.random.default_rng(0).normal(size=(4, 8)) + 1
    torch.save(torch.from_numpy(vectors), shell.folder / "clip.pt")
    write_json(shell.folder / "findings.json", ["Edema", "Mass", "Nodule", "Hernia"])
    if name:
        shell.type(f"python -m scripts.embeddings import clip.pt --name {name} --labels findings.json")


def a_job(shell: Shell) -> None:
    """A run 3f2a… and an import nih, both not at work."""
    Run.create(preset("linear", study="tiny", encoder="lite"), f"3f2a{'0' * 28}")
    nih = Import.create(Import.load("tiny").config.replace(name="nih", path=str(shell.folder)))
    assert not nih.state().busy


BENCHES = ("features", "demo", "curves", "gpu", "import", "project", "rows", "saving", "views")
ABLATION, SEARCH = "here: scripts.worker ablation ", "here: scripts.worker search "
FINISHED = "tests/test_scripts.py::test_a_run_prints_its_table_and_folder"
RUN = "here: scripts.worker run "

COMMANDS: dict[str, Show] = {
    "make run": target("streamlit run dashboard/app.py"),
    "make pictures": target("scripts.pictures"),
    "make test": target("pytest", "ruff check", "mypy"),
    "streamlit run dashboard/app.py": shown_by(
        "tests/browser/test_app.py::test_every_view_opens_without_errors_or_remote_requests"
    ),
    "apt-get install chromium fonts-dejavu-core": target_of("browser"),
    "ssh -L 8501:127.0.0.1:8501 HOST": of_others("ssh"),
    "hf download ORG/NAME": of_others("hf"),
    "tensorboard --logdir": of_others("tensorboard"),
    "mlflow ui": of_others("mlflow"),
    ".venv/bin/python -m pip install": of_others(".venv/bin/python -m pip"),
    "torchrun ... -m scripts.worker run RUN": shown_by(
        "tests/test_parallel.py::test_two_processes_take_the_step_of_one"
    ),
    # studies
    "python -m scripts.study import nih --path DIR --name NAME": imports("nih", "64 radiographs of 32 patients"),
    "python -m scripts.study import table --path DIR --name NAME": imports("table", "16 radiographs of 8 patients"),
    "python -m scripts.study import dicom --path DIR --name NAME": imports("dicom", "8 radiographs of 4 patients"),
    "python -m scripts.study import roco --path DIR --name NAME": misses("captions.txt"),
    "python -m scripts.study import chexpert --path DIR --name NAME": misses("CheXpert"),
    "python -m scripts.study import mimic --path DIR --name NAME": misses("mimic-cxr-"),
    "python -m scripts.study import padchest --path DIR --name NAME": misses("PadChest"),
    "python -m scripts.study import vindr --path DIR --name NAME --patients each-image": misses("VinDr"),
    "python -m scripts.study import rsna --path DIR --name NAME": misses("RSNA"),
    "python -m scripts.study import openi --path DIR --name NAME": misses("Open-i"),
    "python -m scripts.study import demo": begins("here: scripts.worker import demo"),
    "python -m scripts.study find NAME ID --path DIR": a_file_is_found,
    "python -m scripts.study check NAME": prints("ok", "split hash"),
    "python -m scripts.study import table --help": prints("--mapping.image", "--patients"),
    # runs
    "python -m scripts.run --help": shown_by("tests/test_scripts.py::test_help_lists_every_setting_with_its_help"),
    "python -m scripts.run --study NAME --encoder lite --preset orthogonal": shown_by(FINISHED),
    "python -m scripts.run --preset PRESET --study NAME": every_preset,
    "python -m scripts.run --from RUN --study OTHER": after(
        lambda shell: written(name="other"), begins(RUN, OTHER="other")
    ),
    **{
        f"python -m scripts.{stage} RUN": shown_by(
            "tests/test_scripts.py::test_the_stages_one_by_one_make_the_same_run"
        )
        for stage in ("train", "embed", "evaluate", "project")
    },
    "python -m scripts.project RUN --method tsne": begins("here: scripts.worker map "),
    # work
    "python -m scripts.jobs list": prints("orthogonal", "finished", "import"),
    "python -m scripts.jobs stop 3f2a import:nih": after(a_job, prints("Not at work here: run 3f2a", "import nih")),
    "python -m scripts.jobs resume 3f2a": after(a_job, begins(f"{RUN}3f2a")),
    'python -m scripts.jobs rename 3f2a "long schedule"': after(a_job, prints()),
    # comparisons and searches
    "python -m scripts.ablate --preset demo": begins("here: scripts.worker ablation demo"),
    "python -m scripts.ablate --preset alignment-losses --study NAME --vary encoder clip biomedclip": begins(ABLATION),
    "python -m scripts.ablate --preset orthogonal --study NAME --vary objective.orthogonal 0 1 "
    "--vary encoder lite clip --seeds 0 1 2 3 4": begins(ABLATION),
    "python -m scripts.ablate list": after(an_ablation, prints("seen", "2 of 2 runs")),
    "python -m scripts.ablate show NAME --baseline LABEL --metric prompt_cosine --csv FILE --latex FILE": after(
        an_ablation, prints("orthogonal", "written: ", NAME="seen", LABEL="linear")
    ),
    "python -m scripts.search --study NAME --preset orthogonal --trials 20": begins(SEARCH),
    "python -m scripts.search --study NAME --preset linear --trials 40 --workers 2 --training.epochs 15 "
    "--space default training.keep=choice:last,best head.dropout=float:0:0.5": begins(SEARCH),
    "python -m scripts.search --resume SEARCH --trials 60": after(a_search, begins(SEARCH, SEARCH="linear-tiny")),
    # embeddings
    "python -m scripts.embeddings import clip.pt --name clip --labels findings.json": after(
        lambda s: a_set(s, ""), prints("clip: 4 vectors of 8 dimensions")
    ),
    "python -m scripts.embeddings orthogonalise clip --form gram --steps 300 --seed 0 --out clip-gram": after(
        a_set, prints("clip-gram: 4 vectors")
    ),
    "python -m scripts.embeddings list": after(a_set, prints("clip: 4 vectors")),
    "python -m scripts.embeddings remove clip-gram": after(lambda s: a_set(s, "clip-gram"), prints("removed")),
    'python -m scripts.find RUN "large left effusion" --count 10': begins("here: scripts.answer"),
    "python -m scripts.export RUN --figure similarity --format svg --out FILE": every_figure,
    "python -m scripts.export RUN OTHER --figure roc --disease Edema --format pdf --columns 2 --out FILE": exports(
        "pdf"
    ),
    "python -m scripts.export RUN --figure subgroups --by age --format csv --out FILE": exports("csv"),
    "python -m scripts.export --figure prevalence --study NAME --format csv --out FILE": exports("csv"),
    "python -m scripts.export --list": prints("similarity: ", "--cosines"),
    "python -m scripts.export --spec FILE --format pdf --columns 2 --out FIGURE": a_specification,
    "python -m scripts.look RUN --sample ID --finding Pneumothorax": a_look,
    'python -m scripts.look RUN --sample ID --text "left apical pneumothorax" --method rollout': a_look,
    "python -m scripts.look RUN --boxes": shown_by("tests/attention/test_boxed.py::test_the_command_plays_and_tells"),
    "python -m scripts.card RUN --out DIR": prints("made (", "python -m scripts.embed made --study NAME", DIR="made"),
    "python -m scripts.embed DIR --study NAME": after(a_model, begins(RUN, DIR="made", NAME="other")),
    # clusters
    "python -m scripts.run --study NAME --preset linear --on slurm --slurm.partition main --slurm.gpus 1 "
    "--slurm.time 4:00:00": begins("slurm: scripts.worker run "),
    "python -m scripts.run --resume RUN --on slurm --slurm.time 2-00": begins("slurm: "),
    "python -m scripts.run --resume RUN --on here": begins(RUN),
    "python -m scripts.ablate --preset demo --study NAME --on slurm --slurm.partition main --slurm.at-once 2": begins(
        "array of 9"
    ),
    "python -m scripts.run --on slurm --help": prints("--slurm.partition", "--slurm.extra"),
    **{f"python -m scripts.bench {name}": measures for name in BENCHES},
}


@pytest.mark.parametrize("command", readme.commands())
def test_every_command_works(shell: Shell, command: str) -> None:
    assert command in COMMANDS, f"Nothing runs `{command}` of the README: say in COMMANDS how it is shown to work."
    COMMANDS[command](shell, command)


def test_no_command_is_shown_that_the_readme_lost() -> None:
    assert set(COMMANDS) <= set(readme.commands())
