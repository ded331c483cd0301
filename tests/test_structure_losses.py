"""Losses on how vectors lie: slow loops, values worked by hand, chance, floor, odd batches, the tree of findings."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from core.config.objective import ObjectiveConfig
from core.losses.objective import Objective
from core.losses.structure import BANDWIDTHS, coral, graph, mmd, semantic, supervised, supervised_reference
from core.studies.hierarchy import PLACES, path_similarity
from core.studies.vocabulary import CHEXPERT_FINDINGS, NIH_FINDINGS
from tests.test_objective_lines import situation
from tests.test_objectives import dot, one_cross_entropy, unit
from tests.test_training import data, trainer

NAN = float("nan")
ORDER = (
    "Atelectasis Cardiomegaly Consolidation Edema Enlarged_Cardiomediastinum Fracture Lung_Lesion Lung_Opacity "
    "No_Finding Pleural_Effusion Pleural_Other Pneumonia Pneumothorax Support_Devices"
)


class TestTree:
    def test_it_is_the_published_matrix(self, real_data: Path) -> None:
        path = real_data / "text_embeddings/normalized_cost_matrix.pt"
        given = torch.load(path, weights_only=True, map_location="cpu").numpy()
        found = path_similarity([name.replace("_", " ") for name in ORDER.split()])
        assert found is not None and np.allclose(found, given, atol=1e-6)

    def test_by_hand(self) -> None:
        # opacity - edema 1 step, edema - pneumonia 2, opacity - cardiomegaly 4, the others to it 5
        found = path_similarity(["Lung Opacity", "Edema", "Pneumonia", "Cardiomegaly"])
        assert found is not None
        assert found[0] / found[0, 1] == pytest.approx([0, 1, 1, 1 / 4])
        assert found[1] / found[1, 0] == pytest.approx([1, 0, 1 / 2, 1 / 5])
        assert np.linalg.norm(found, axis=1) == pytest.approx(1)

    def test_both_vocabularies_are_in_it(self) -> None:
        assert set(PLACES) == {*CHEXPERT_FINDINGS, *NIH_FINDINGS}
        for names in (CHEXPERT_FINDINGS, NIH_FINDINGS, NIH_FINDINGS[:1], ()):
            found = path_similarity(names)
            assert found is not None and found.shape == (len(names),) * 2 and np.isfinite(found).all()
        assert path_similarity(["Edema", "Gallstones"]) is None


class TestGraph:
    def test_against_a_loop(self) -> None:
        prompts, tree, total = unit(5, 7), torch.from_numpy(path_similarity(NIH_FINDINGS[:5])), 0.0
        for i in range(5):
            h = [dot(prompts[i], prompts[j]) if i != j else 0.0 for j in range(5)]
            s = tree[i].tolist()
            total += sum(a * b for a, b in zip(h, s, strict=True)) / math.hypot(*h) / math.hypot(*s)
        assert graph(prompts, tree).item() == pytest.approx(1 - total / 5, rel=1e-5)

    def test_by_hand(self) -> None:
        # rows of H beside the diagonal: (1/2, 0), (1/2, 0), (0, 0); of the tree (1, 1) each: cosines 1/sqrt 2 twice, 0
        prompts = torch.tensor([[1.0, 0, 0], [0.5, math.sqrt(0.75), 0], [0, 0, 1]])
        assert graph(prompts, torch.ones(3, 3)).item() == pytest.approx(1 - 2 / math.sqrt(2) / 3)

    def test_chance_and_floor(self) -> None:
        tree = torch.from_numpy(path_similarity(CHEXPERT_FINDINGS)).double()
        line = Objective(ObjectiveConfig(graph=1.0)).references(situation(torch.zeros(4, 14), tokens=True))["graph"]
        seen = [graph(unit(14, 64, seed=seed), tree).item() for seed in range(40)]
        assert line.chance == 1 == pytest.approx(sum(seen) / 40, abs=0.05)
        # a weak copy of the tree, not yet normalised and so symmetric, beside the ones of the diagonal
        raw = torch.tensor(
            [
                [0 if i == j else 1 / (len(a) + len(b) - 2 * _shared(a, b)) for j, b in enumerate(_paths())]
                for i, a in enumerate(_paths())
            ],
            dtype=torch.float64,
        )
        vectors = torch.linalg.cholesky(torch.eye(14, dtype=torch.float64) + 0.1 * raw)
        assert line.floor == 0 == pytest.approx(graph(vectors, tree).item(), abs=1e-9)


def _paths() -> list[tuple[str, ...]]:
    return [(*PLACES[name], name) for name in CHEXPERT_FINDINGS]


def _shared(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    return sum(1 for n in range(1, min(len(a), len(b)) + 1) if a[:n] == b[:n])


class TestSupervised:
    def test_against_a_loop(self) -> None:
        vectors = unit(7, 5)
        labels = (torch.rand(7, 3, generator=torch.Generator().manual_seed(2)) < 0.5).float()
        labels[2, 0], labels[5, 1] = NAN, NAN
        costs = []
        for k in range(3):
            rows = [i for i in range(7) if not math.isnan(labels[i, k])]
            for i in rows:
                others = [j for j in rows if j != i]
                right = [float(labels[i, k] == labels[j, k] == 1) for j in others]
                if sum(right):
                    z = [dot(vectors[i], vectors[j]) / 0.2 for j in others]
                    costs.append(one_cross_entropy(z, [value / sum(right) for value in right]))
        assert supervised(vectors, labels, 0.2).item() == pytest.approx(sum(costs) / len(costs), rel=1e-5)

    def test_by_hand(self) -> None:
        # two with the finding at the same place, one without at a right angle, temperature 1: ln(1 + 1/e)
        vectors = torch.tensor([[1.0, 0], [1, 0], [0, 1]])
        loss = supervised(vectors, torch.tensor([[1.0], [1.0], [0.0]]), 1.0)
        assert loss.item() == pytest.approx(math.log(1 + math.exp(-1)))

    def test_chance_and_floor(self) -> None:
        labels = torch.tensor([[1.0, 0], [1, 0], [1, NAN], [0, NAN], [0, 1]])
        line = supervised_reference(labels, 5)
        same = F.normalize(torch.ones(5, 3), dim=-1)
        assert line.chance == pytest.approx(supervised(same, labels, 0.1).item()) == pytest.approx(math.log(4))
        apart = torch.eye(2)[labels[:, 0].long()]
        assert line.floor == pytest.approx(supervised(apart, labels, 0.02).item()) == pytest.approx(math.log(2))
        assert supervised_reference(torch.zeros(5, 2), 3).chance == 0


class TestAlignment:
    def test_mmd_against_a_loop(self) -> None:
        a, b = unit(4, 3), unit(5, 3, seed=1)

        def kernel(x: Any, y: Any) -> float:
            total = 0.0
            for one in x:
                for two in y:
                    squared = math.dist(one.tolist(), two.tolist()) ** 2
                    total += sum(math.exp(-squared / (2 * width)) for width in BANDWIDTHS) / len(BANDWIDTHS)
            return total / len(x) / len(y)

        assert mmd(a, b).item() == pytest.approx(kernel(a, a) + kernel(b, b) - 2 * kernel(a, b), rel=1e-4)

    def test_mmd_by_hand(self) -> None:
        # two opposite points: squared distance 4, so 2 - 2 mean exp(-2/width)
        mean = sum(math.exp(-2 / width) for width in (0.25, 0.5, 1.0, 2.0)) / 4
        assert mmd(torch.tensor([[1.0, 0]]), torch.tensor([[-1.0, 0]])).item() == pytest.approx(2 - 2 * mean)

    def test_coral_against_numpy_and_by_hand(self) -> None:
        a, b = unit(6, 3), unit(9, 3, seed=1)
        apart = np.cov(a.numpy().T) - np.cov(b.numpy().T)
        assert coral(a, b).item() == pytest.approx((apart**2).sum() / 36, rel=1e-4)
        # opposite points on the first axis have variance 2 there, equal ones none: 2^2 / (4 * 2^2)
        assert coral(torch.tensor([[1.0, 0], [-1, 0]]), torch.tensor([[0.0, 1], [0, 1]])).item() == pytest.approx(0.25)

    @pytest.mark.parametrize("form", ["mmd", "coral"])
    def test_the_floor(self, form: Any) -> None:
        made = Objective(ObjectiveConfig(alignment=1.0, alignment_form=form))
        vectors = unit(6, 4)
        assert made.alignment(vectors, vectors.flip(0)).item() == pytest.approx(0, abs=1e-6)
        assert made.alignment(vectors, unit(6, 4, seed=1)).item() > 1e-4
        line = made.references(situation(torch.zeros(2, 2), tokens=True))["alignment"]
        assert line.floor == 0 and math.isnan(line.chance)


class TestSemantic:
    def test_against_a_loop(self) -> None:
        images, texts = unit(6, 4), unit(5, 4, seed=1)
        shown = (torch.rand(6, 3, generator=torch.Generator().manual_seed(2)) < 0.6).float()
        told = (torch.rand(5, 3, generator=torch.Generator().manual_seed(3)) < 0.6).float()
        shown[0, 1], told[:, 2] = NAN, 0  # no text has the third
        total = 0.0
        for k in range(2):
            centres = []
            for vectors, labels in ((images, shown), (texts, told)):
                members = [vectors[i].tolist() for i in range(len(vectors)) if labels[i, k] == 1]
                assert members
                centres.append([sum(column) / len(members) for column in zip(*members, strict=True)])
            total += math.dist(*centres) ** 2
        assert semantic(images, shown, texts, told).item() == pytest.approx(total / 2, rel=1e-5)

    def test_by_hand(self) -> None:
        # two images of a finding at right angles: centroid (1/2, 1/2), its prompt (0, 1): 1/4 + 1/4; the one image of
        # the other finding lies at its prompt
        images, labels = torch.tensor([[1.0, 0], [0, 1]]), torch.tensor([[1.0, 1], [1, 0]])
        prompts = torch.tensor([[0.0, 1], [1, 0]])
        assert semantic(images, labels, prompts, torch.eye(2)).item() == pytest.approx((0.5 + 0) / 2)

    def test_the_floor(self) -> None:
        vectors, labels = unit(6, 4), torch.ones(6, 2)
        assert semantic(vectors, labels, vectors.flip(0), labels).item() == pytest.approx(0, abs=1e-6)
        made = Objective(ObjectiveConfig(alignment=1.0, alignment_form="semantic"))
        line = made.references(situation(labels, tokens=True))["alignment"]
        assert line.floor == 0 and math.isnan(line.chance)

    def test_no_finding_on_both_sides(self) -> None:
        images = unit(2, 3).requires_grad_()
        loss = semantic(images, torch.tensor([[1.0, 0], [NAN, 0]]), unit(2, 3), torch.tensor([[0.0, 1], [NAN, NAN]]))
        loss.backward()
        assert loss.item() == 0 and images.grad is not None and not images.grad.any()


@pytest.mark.parametrize(("batch", "diseases"), [(0, 3), (1, 1), (1, 14), (5, 1), (5, 14)])
@pytest.mark.parametrize("value", [0.0, 1.0, NAN])
def test_finite_with_gradient_on_bf16(batch: int, diseases: int, value: float) -> None:
    images = unit(batch, 16).bfloat16().requires_grad_()
    prompts = unit(diseases, 16, seed=1).bfloat16().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = (
            graph(prompts, torch.ones(diseases, diseases))
            + supervised(images, torch.full((batch, diseases), value), 0.01)
            + mmd(images, prompts)
            + coral(images, prompts)
            + semantic(images, torch.full((batch, diseases), value), prompts, torch.eye(diseases))
        )
    loss.backward()
    assert math.isfinite(loss.item())
    for leaf in (images, prompts):
        assert leaf.grad is not None and leaf.grad.isfinite().all()


def test_prompts_at_right_angles_have_a_gradient_towards_the_tree() -> None:
    prompts = torch.eye(4).requires_grad_()
    loss = graph(prompts, torch.ones(4, 4))
    loss.backward()
    assert loss.item() == 1 and prompts.grad is not None and prompts.grad.isfinite().all()


@pytest.mark.parametrize(
    ("kind", "loss"),
    [
        ("disease-tokens", "graph"),
        ("disease-tokens", "supervised"),
        ("projection", "supervised"),
        ("linear", "supervised"),
        ("disease-tokens", "alignment"),
        ("projection", "alignment"),
        ("linear", "alignment"),
    ],
)
def test_each_head_learns_from_it(tmp_path: Path, kind: str, loss: str) -> None:
    tree = path_similarity(NIH_FINDINGS[:3])
    assert tree is not None
    own = replace(data(), nearness=torch.from_numpy(tree))
    made = trainer(tmp_path, own, kind=kind, objective=ObjectiveConfig(**{loss: 1.0}), epochs=12)
    steps = list(made.steps())
    assert all(set(step.terms) == {loss} for step in steps)
    assert sum(step.loss for step in steps[-4:]) < sum(step.loss for step in steps[:4])
