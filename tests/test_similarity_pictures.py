"""What the Similarity view says: orders, numbers beside their targets, and positive against negative prompts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.imported import import_embeddings
from core.metrics.similarity import cosine_matrix, effective_rank, effective_rank_of_cosines
from core.pictures.ordering import ORDERS, arranged, by_anatomy
from core.pictures.similarity import KINDS, Panel, cosines_of, of_set
from core.pictures.similarity_numbers import numbers, reading, unreachable
from core.studies.vocabulary import CHEXPERT_FINDINGS, NIH_FINDINGS, display_name


def vectors(count: int, width: int = 8, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(count, width))


def panel(found: NDArray[np.float64], *, kind: str = "prompts", names: tuple[str, ...] = (), width: int = 8) -> Panel:
    own = names or tuple(f"n{row}" for row in range(len(found)))
    return Panel(title="a", names=own, cosines=found, kind=kind, width=width)


@pytest.mark.parametrize("how", ORDERS)
def test_an_order_moves_rows_and_columns_together(how: str) -> None:
    names = tuple(map(display_name, NIH_FINDINGS))
    one, two = (panel(cosine_matrix(vectors(14, seed=seed)), names=names) for seed in (0, 1))
    (frame,) = arranged([one, two], how)
    for before, after in zip((one, two), frame.panels, strict=True):
        assert sorted(after.names) == sorted(names) and after.names == frame.panels[0].names
        for i, row in enumerate(after.names):
            for j, column in enumerate(after.names):
                assert after.cosines[i, j] == before.cosines[names.index(row), names.index(column)]
    assert (frame.tree is not None) == (how in ("hierarchy", "clustering"))


def test_panels_of_other_labels_have_a_frame_of_their_own() -> None:
    runs = [panel(cosine_matrix(vectors(3, seed=seed)), names=("b", "c", "a")) for seed in (0, 1)]
    other = panel(cosine_matrix(vectors(2)), names=("y", "x"))
    first, second = arranged([runs[0], other, runs[1]], "name")
    assert [one.names for one in first.panels] == [("a", "b", "c")] * 2 and second.panels[0].names == ("x", "y")


def test_by_anatomy_what_belongs_together_stands_together() -> None:
    order, tree = by_anatomy([display_name(name) for name in NIH_FINDINGS])
    assert [NIH_FINDINGS[row] for row in order] == [
        "Cardiomegaly",
        "Atelectasis", "Emphysema", "Fibrosis", "Mass", "Nodule",
        "Consolidation", "Edema", "Infiltration", "Pneumonia", "Pneumothorax",
        "Effusion", "Pleural_Thickening",
        "Hernia",
    ]  # fmt: skip
    assert tree is not None
    brackets = {(tuple(places), high[0]) for places, high in tree.lines if places[0] != places[1]}
    assert ((4.0, 5.0), 1.0) in brackets, "mass and nodule, the deepest branch"
    assert ((6.0, 9.0), 1.0) in brackets, "what is opaque"
    assert ((11.0, 12.0), 2.0) in brackets, "pleura"
    assert max(high for _, high in brackets) == 3.0


def test_by_anatomy_branches_that_are_findings_and_names_that_are_not_in_the_tree() -> None:
    order, tree = by_anatomy([*CHEXPERT_FINDINGS, "something else"])
    names = [*CHEXPERT_FINDINGS, "something else"]
    shown = [names[row] for row in order]
    at = shown.index("Lung Opacity")
    assert shown[at : at + 4] == ["Lung Opacity", "Consolidation", "Edema", "Pneumonia"] and shown[-1] == names[-1]
    assert tree is not None and max(place for places, _ in tree.lines for place in places) < len(names) - 1
    assert by_anatomy(["x", "y"]) == ([0, 1], None) and by_anatomy(["Mass"])[1] is None


def test_rank_of_cosines_is_that_of_the_vectors() -> None:
    for found in (vectors(6, 9), vectors(9, 4), np.eye(5)):
        unit = found / np.linalg.norm(found, axis=1, keepdims=True)
        assert effective_rank_of_cosines(cosine_matrix(unit)) == pytest.approx(effective_rank(unit), abs=1e-5)
    simplex = np.full((5, 5), -0.25) + 1.25 * np.eye(5)
    assert effective_rank_of_cosines(simplex) == pytest.approx(4)
    assert effective_rank_of_cosines(np.ones((3, 3))) == pytest.approx(1)
    lost = np.eye(3)
    lost[1] = lost[:, 1] = np.nan
    assert effective_rank_of_cosines(lost) == pytest.approx(2)
    assert np.isnan(effective_rank_of_cosines(np.full((2, 2), np.nan)))


@pytest.mark.parametrize(
    ("name", "mean", "low", "high"), [("clip", 0.8529, 0.7569, 0.9615), ("biomedclip", 0.6532, 0.4716, 0.8261)]
)
def test_numbers_of_the_real_prompts(
    workspace: Path, real_data: Path, name: str, mean: float, low: float, high: float
) -> None:
    folder = real_data / "text_embeddings"
    made = import_embeddings(folder / f"{name}_basic.pt", name, labels=str(folder / "reference.json"))
    table = numbers([of_set(made)])
    assert list(table.columns) == [name, "Right angles", "Simplex"]
    own = table[name]
    assert own["Mean cosine"] == f"{mean:+.3f}" and own["Mean |cosine|"] == f"{mean:.3f}"
    assert own["Smallest"] == f"{low:+.3f}" and own["Largest"] == f"{high:+.3f}"
    upper = cosine_matrix(made.embedding.vectors)[np.triu_indices(14, 1)]
    assert own["Spread (std)"] == f"{upper.std():.3f}"
    assert own["Effective rank"] == f"{effective_rank(made.embedding.vectors):.1f} of 14"
    assert table["Right angles"].tolist() == ["0.000"] * 5 + ["–", "14 of 14"]
    assert table["Simplex"].tolist() == ["-0.077", "0.077", "0.000", "-0.077", "-0.077", "–", "13 of 14"]


def test_prompts_against_centroids_and_against_denials() -> None:
    cells = np.array([[0.9, 0.1, np.nan], [0.8, 0.6, np.nan], [0.0, 0.5, np.nan]])
    own = numbers([panel(cells, kind="cross")])["a"]
    assert own["Own centroid (mean)"] == "+0.750" and own["Other centroids (mean)"] == "+0.350"
    assert own["Own above others by"] == "+0.400" and own["Nearest is own"] == "1 of 2"
    none = numbers([panel(np.full((2, 2), np.nan), kind="cross")])["a"]
    assert set(none) == {"no support"}
    signs = numbers([panel(np.array([[0.9, 0.95], [0.2, 0.4]]), kind="signs", names=("Mass", "Edema"))])["a"]
    assert signs["Own denial (mean)"] == "+0.650" and signs["Other denials (mean)"] == "+0.575"
    assert signs["Hardest to deny"] == "Mass" and signs["Nearest is the own denial"] == "1 of 2"
    assert "hear the word" in reading("signs") and reading("frozen") == reading("prompts")


def test_kinds_take_the_vectors_that_they_name() -> None:
    own = {"prompts": vectors(3), "negatives": vectors(3, seed=1), "prompts-frozen": vectors(3, 5, seed=2)}
    centres = vectors(3, seed=3).astype(np.float32)
    rows = {"signs": ("prompts", "negatives"), "prompts": ("prompts",) * 2, "frozen": ("prompts-frozen",) * 2}
    for kind in KINDS:
        found = cosines_of(kind, lambda name: own[name].astype(np.float32), lambda: centres)
        one, two = (own[name] for name in rows.get(kind, ("prompts", "prompts")))
        one, two = (centres, centres) if kind == "centroids" else (one, centres if kind == "cross" else two)
        for i in range(3):
            for j in range(3):
                expected = one[i] @ two[j] / np.linalg.norm(one[i]) / np.linalg.norm(two[j])
                assert found[i, j] == pytest.approx(expected, abs=1e-6)


def test_more_labels_than_directions_cannot_be_apart() -> None:
    assert unreachable([panel(cosine_matrix(vectors(4)), width=4), panel(np.eye(4), kind="signs", width=2)]) == []
    (told,) = unreachable([panel(cosine_matrix(vectors(4, 3)), width=3)])
    assert "4 labels in 3 dimensions" in told and "0.333" in told  # a tetrahedron's: Welch's bound is met
