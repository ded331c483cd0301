"""The examples of CONTRIBUTING.md are real: each applies to the tree as it is, and what it adds passes its tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.workspace import ROOT
from tests import readme
from tests.finished import Finished

PAGE = "CONTRIBUTING.md"
TESTS = {
    "an encoder": "tests/towers/test_pixels.py",
    "an objective": "tests/test_spread.py",
    "a study source": "tests/studies/sources/test_named.py",
    "a figure": "tests/figures/test_separation.py",
    "a view": "tests/views/test_phrases.py",
}
"""What each example adds to be tested by."""

ADDED = "pixels or spread or named or separation or phrase"
"""Of tests that run over all figures, or all files: those of what was added."""

STALE = (
    "The example “{name}” of CONTRIBUTING.md no longer applies: the lines around its changes were changed. Make the "
    "same change by hand (save the block as FILE, `git apply -C1 --reject FILE`), run {test}, and put what "
    "`git diff -U2` then says in the block's place.\n{said}"
)


def examples() -> dict[str, str]:
    """The diff below each heading of the third level."""
    parts = re.split(r"^### (.+)$", readme.text(PAGE), flags=re.MULTILINE)
    found = zip(parts[1::2], parts[2::2], strict=True)
    return {name: "".join(re.findall(r"^```diff\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)) for name, part in found}


def apply(tree: Path, name: str, *options: str) -> None:
    done = subprocess.run(
        ["git", "apply", "-C1", *options], input=examples()[name], cwd=tree, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, STALE.format(name=name, test=TESTS[name], said=done.stderr)


def ran(tree: Path, *arguments: str, **variables: str) -> str:
    """What ``python ARGUMENTS`` printed in the copy, where it ended well."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "FLUOROSCOPE_"))}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=tree, env=own | variables, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def files() -> list[str]:
    """All that is, or may be, committed."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listed, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("this is no clone of the repository, so there is no list of its files")
    return [name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def tree(files: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository, with all examples applied."""
    copy = tmp_path_factory.mktemp("contributed")
    for name in files:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    for name in TESTS:
        apply(copy, name)
    return copy


def test_there_is_an_example_of_each() -> None:
    assert set(examples()) == set(TESTS)
    for name, test in TESTS.items():
        assert f"+++ b/{test}" in examples()[name], f"{name} has no test of its own"


@pytest.mark.parametrize("name", TESTS)
def test_each_applies_alone(name: str, files: list[str], tmp_path: Path) -> None:
    """On copies of the files that it changes; new ones must not be there yet."""
    diff = examples()[name]
    for changed in re.findall(r"^--- a/(\S+)$", diff, re.MULTILINE):
        (tmp_path / changed).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / changed, tmp_path / changed)
    assert not set(re.findall(r"^--- /dev/null\n\+\+\+ b/(\S+)$", diff, re.MULTILINE)) & set(files)
    apply(tmp_path, name, "--check")


@pytest.mark.slow
def test_what_they_add_passes_its_tests(tree: Path) -> None:
    over_all = ["tests/figures/test_contract.py", "tests/test_architecture.py"]
    text = ran(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS.values(), *over_all, "-k", ADDED)
    assert re.search(r"\d{2,} passed", text) and "skipped" not in text, text
    text = ran(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_readme_names.py")
    assert "failed" not in text
    ran(tree, "-m", "ruff", "check", ".")
    ran(tree, "-m", "ruff", "format", "--check", ".")


@pytest.mark.slow
def test_the_figure_is_made_on_the_command_line(tree: Path, finished: Finished, tmp_path: Path) -> None:
    out = tmp_path / "separation.csv"
    wanted = ["--figure", "separation", "--finding", "Edema", "--format", "csv", "--out", str(out)]
    ran(tree, "-m", "scripts.export", finished.runs["linear"], *wanted, FLUOROSCOPE_HOME=str(finished.home))
    assert "present (n=" in out.read_text()
