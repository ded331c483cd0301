"""The design as a test: which way imports point, what may stand where, and how long things may be."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.workspace import ROOT

HEAVY = (
    "torch",
    "umap",
    "open_clip",
    "transformers",
    "timm",
    "torchvision",
    "numba",
    "sentence_transformers",
    "optuna",
)
PARTS = ("core", "dashboard", "scripts")
FILES = sorted(path for part in PARTS for path in (ROOT / part).rglob("*.py"))

FOR_DASHBOARD = (
    "core.ablation.folder",
    "core.ablation.grids",
    "core.ablation.numbers",
    "core.ablation.table",
    "core.asking.questions",
    "core.asking.warm",
    "core.attention.boxed",
    "core.attention.looked",
    "core.attention.maps",
    "core.cards.folder",
    "core.cards.keeping",
    "core.cards.origins",
    "core.cards.reading",
    "core.cards.writing",
    "core.config",
    "core.demands",
    "core.errors",
    "core.figures",
    "core.files",
    "core.first_light",
    "core.imported",
    "core.jobs",
    "core.logbook",
    "core.maps.asked",
    "core.maps.first",
    "core.metrics",
    "core.pictures",
    "core.published",
    "core.recipes",
    "core.report.entry",
    "core.report.folder",
    "core.roots",
    "core.runs",
    "core.searches",
    "core.seen",
    "core.slurm",
    "core.snapshots",
    "core.store",
    "core.studies.filters",
    "core.studies.folder",
    "core.studies.imports",
    "core.studies.mapping",
    "core.studies.sources.guess",
    "core.studies.study",
    "core.studies.tables",
    "core.studies.vocabulary",
    "core.vectors.making",
    "core.vectors.formats",
    "core.vectors.reading",
    "core.work",
    "core.workspace",
)
"""What the dashboard may import of the core: reading and drawing, nothing that computes."""

FOR_FIGURES = (
    "core.errors",
    "core.figures",
    "core.store",
    "plotly",
    "numpy",
    "PIL",
    "kaleido",
    "choreographer",
    "fontTools",
)
PICKLES = ("pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal")
READS_INERTLY = ROOT / "core/towers/released.py"
"""Reads files that others pickled, with an unpickler that knows no name of theirs (tests/towers/test_released.py)."""
MOST_LINES, MOST_IN_FUNCTION, MOST_IN_SCRIPT, MOST_IN_APP = 300, 40, 100, 60


def names(paths: list[Path]) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in paths]


def under(*parts: str) -> list[Path]:
    return [path for path in FILES if path.relative_to(ROOT).as_posix().startswith(parts)]


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), path)


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports, also inside functions; ``from a import b`` counts as ``a.b``."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = list(path.relative_to(ROOT).parent.parts)
            base = (
                ".".join([*package[: len(package) - node.level + 1], node.module or ""]) if node.level else node.module
            )
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found


def within(name: str, allowed: tuple[str, ...]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in allowed)


def of_standard_library(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] in sys.stdlib_module_names


def attributes(path: Path, *wanted: str) -> set[str]:
    """Which of these attributes or plain names a file uses (``st.session_state``, or imported by name)."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.name for alias in node.names}
    return found & set(wanted)


def test_there_is_something_to_look_at() -> None:
    assert len(under("core/")) > 20 and len(under("scripts/")) > 5 and len(under("dashboard/")) > 3


@pytest.mark.parametrize("path", under("core/"), ids=names(under("core/")))
def test_core_knows_neither_streamlit_nor_dashboard_nor_scripts(path: Path) -> None:
    assert not [name for name in imports(path) if within(name, ("streamlit", "dashboard", "scripts", "tests"))]


@pytest.mark.parametrize("path", under("core/figures/"), ids=names(under("core/figures/")))
def test_figures_get_arrays(path: Path) -> None:
    wrong = [name for name in imports(path) if not (within(name, FOR_FIGURES) or of_standard_library(name))]
    assert not wrong


@pytest.mark.parametrize("path", under("dashboard/"), ids=names(under("dashboard/")))
def test_dashboard_imports_what_reads_and_draws(path: Path) -> None:
    found = imports(path)
    assert not [name for name in found if within(name, ("core",)) and not within(name, FOR_DASHBOARD)]
    assert not [name for name in found if within(name, ("scripts", "tests", *HEAVY))]


@pytest.mark.parametrize("path", under("scripts/"), ids=names(under("scripts/")))
def test_scripts_do_not_know_the_dashboard(path: Path) -> None:
    assert not [name for name in imports(path) if within(name, ("dashboard", "streamlit", "tests"))]
    assert len(path.read_text().splitlines()) <= MOST_IN_SCRIPT


@pytest.mark.parametrize("path", under("dashboard/"), ids=names(under("dashboard/")))
def test_state_and_cache_have_one_place_each(path: Path) -> None:
    own = path.relative_to(ROOT / "dashboard").as_posix()
    if own != "selection.py":
        assert not attributes(path, "session_state", "query_params")
    if not own.startswith("cached/"):
        assert not attributes(path, "cache_data")


def test_the_app_is_short() -> None:
    assert len((ROOT / "dashboard/app.py").read_text().splitlines()) <= MOST_IN_APP
    assert not (ROOT / "dashboard/pages").exists()  # Streamlit would discover it


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
class TestEveryFile:
    def test_no_pickle(self, path: Path) -> None:
        found = imports(path)
        assert not [name for name in found if within(name, PICKLES)] or path == READS_INERTLY
        for call in (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call)):
            given = {word.arg: word.value for word in call.keywords}
            called = ast.unparse(call.func)
            for word, safe in (("weights_only", True), ("allow_pickle", False)):
                if word in given:
                    value = given[word]
                    assert isinstance(value, ast.Constant) and value.value is safe, f"line {call.lineno}"
            if called == "torch.load":
                assert "weights_only" in given, f"line {call.lineno}"
            if called in ("np.load", "numpy.load"):
                assert "allow_pickle" in given, f"line {call.lineno}"

    def test_no_error_is_swallowed(self, path: Path) -> None:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, f"bare except in line {node.lineno}"
                broad = ast.unparse(node.type) in ("Exception", "BaseException")
                silent = all(isinstance(line, (ast.Pass, ast.Continue)) for line in node.body)
                assert not (broad and silent), f"line {node.lineno}"
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("contextlib.suppress", "suppress"):
                broad = [ast.unparse(argument) for argument in node.args]
                assert not {"Exception", "BaseException"} & set(broad), f"line {node.lineno}"

    def test_no_shell(self, path: Path) -> None:
        for call in (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call)):
            assert ast.unparse(call.func) not in ("os.system", "os.popen", "eval", "exec"), f"line {call.lineno}"
            assert not [word for word in call.keywords if word.arg == "shell"], f"line {call.lineno}"

    def test_sizes(self, path: Path) -> None:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
        long = [f"{node.name}: {size}" for node, size in functions(path) if size > MOST_IN_FUNCTION]
        assert not long

    def test_no_drawer_for_everything(self, path: Path) -> None:
        assert path.stem not in ("utils", "util", "helpers", "misc")


def functions(path: Path) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    """Each function with the lines of its body: without signature, docstring, blank lines and comments."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for node in ast.walk(tree(path)):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        assert node.end_lineno is not None
        own = [line.strip() for line in lines[body[0].lineno - 1 : node.end_lineno]] if body else []
        yield node, sum(bool(line) and not line.startswith("#") for line in own)


def test_what_the_dashboard_may_import_is_light() -> None:
    """In a process of its own: none of it pulls in what takes seconds to load."""
    modules = []
    for path in under("core/"):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if within(name, FOR_DASHBOARD):
            modules.append(name)
    assert {"core.runs", "core.jobs", "core.store", "core.metrics.similarity", "core.config.presets"} <= set(modules)
    code = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    assert ran.stdout.split() == []


def test_the_checks_see_what_they_look_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that breaks the rules is found out by each helper."""
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / "core" / "figures" / "bad.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "from ..runs import Run\nimport torch.nn as nn\nfrom streamlit import session_state\n"
        "def long():\n    '''Words.'''\n" + "    x = 1\n\n    # why\n" * 41
    )
    assert imports(path) == {"core.runs.Run", "torch.nn", "streamlit.session_state"}
    assert not within("core.runs_x", ("core.runs",)) and within("torch.nn", HEAVY)
    assert attributes(path, "session_state", "cache_data") == {"session_state"}
    assert [size for _, size in functions(path)] == [41]
