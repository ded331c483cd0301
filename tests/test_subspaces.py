"""Common and private subspaces: slow versions, values worked by hand, chance, and the head that has them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from core.config.run import HeadConfig
from core.heads import Head, Parted, build_head
from core.losses.subspaces import difference, reconstruction, subspaces, subspaces_reference
from tests.test_heads import IMAGE, TEXT, drawn
from tests.test_objectives import unit


def parted(common: Tensor, private: Tensor, features: Tensor, rebuilt: Tensor) -> Parted:
    return Parted(features=features, common=common, private=private, rebuilt=rebuilt)


def of(rows: int, seed: int = 0) -> Parted:
    return parted(
        unit(rows, 4, seed=seed), drawn(rows, 3, seed=seed + 1), drawn(rows, 6), drawn(rows, 6, seed=seed + 2)
    )


def head(private: int, kind: str = "projection") -> Head:
    torch.manual_seed(0)
    return build_head(
        HeadConfig(kind=kind, width=8, private=private),  # type: ignore[arg-type]
        image_width=IMAGE,
        prompts=drawn(3, TEXT),
        temperature=0.07,
        learn_temperature=True,
    )


class TestDifference:
    def test_against_numpy(self) -> None:
        common, private = unit(9, 4), drawn(9, 3, seed=1) * 5 + 2
        found = [np.corrcoef(common[:, i], private[:, j])[0, 1] ** 2 for i in range(4) for j in range(3)]
        assert difference(common, private).item() == pytest.approx(np.mean(found), rel=1e-4)

    def test_by_hand(self) -> None:
        # the first private dimension is the common one turned round, at another size; the second has nothing of it
        common, private = torch.tensor([[1.0], [1], [-1], [-1]]), torch.tensor([[-3.0, 1], [-3, -1], [3, 1], [3, -1]])
        assert difference(common, private).item() == pytest.approx((1 + 0) / 2)

    def test_chance(self) -> None:
        found = [difference(drawn(9, 4, seed=seed), drawn(9, 3, seed=100 + seed)).item() for seed in range(200)]
        assert sum(found) / 200 == pytest.approx(1 / 8, rel=0.05)

    def test_a_dimension_that_does_not_move(self) -> None:
        private = torch.ones(5, 2, requires_grad=True)
        loss = difference(unit(5, 3), private)
        loss.backward()
        assert loss.item() == 0 and private.grad is not None and private.grad.isfinite().all()


class TestSubspaces:
    def test_against_its_parts(self) -> None:
        one, two = of(7), of(5, seed=10)
        costs = []
        for own in (one, two):
            error = np.mean((own.rebuilt.numpy() - own.features.numpy()) ** 2)
            costs.append(difference(own.common, own.private).item() + error)
        assert subspaces([one, two]).item() == pytest.approx(sum(costs) / 2, rel=1e-5)

    def test_reconstruction_by_hand(self) -> None:
        own = parted(
            torch.zeros(2, 1), torch.zeros(2, 1), torch.tensor([[1.0, 2], [3, 4]]), torch.tensor([[1.0, 0], [3, 2]])
        )
        assert reconstruction(own).item() == pytest.approx((0 + 4 + 0 + 4) / 4)

    def test_floor(self) -> None:
        x = torch.tensor([[1.0], [1], [-1], [-1]])
        own = parted(x, x.roll(1, 0), x, x)
        assert subspaces([own, own]).item() == pytest.approx(subspaces_reference(4, 4).floor, abs=1e-7) == 0

    def test_chance(self) -> None:
        assert subspaces_reference(9, 5).chance == pytest.approx(1 + (1 / 8 + 1 / 4) / 2)
        assert subspaces_reference(9, 0).chance == pytest.approx(1 + 1 / 8)
        assert subspaces_reference(1, 1).chance == 1

    def test_a_modality_without_rows_does_not_count(self) -> None:
        one, none = of(7), of(0)
        assert subspaces([one, none]).item() == pytest.approx(subspaces([one]).item())
        rebuilt = torch.zeros(0, 6, requires_grad=True)
        loss = subspaces([parted(none.common, none.private, none.features, rebuilt)])
        loss.backward()
        assert loss.item() == 0

    @pytest.mark.parametrize("rows", [0, 1, 2, 8])
    def test_finite_with_gradient_on_bf16(self, rows: int) -> None:
        made = head(4).train()
        images, texts = drawn(rows, IMAGE), drawn(rows, TEXT, seed=1)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            common = made.images(images).embedding.float(), made.texts(texts).float()
            loss = subspaces(made.parted(images, common[0], texts, common[1]))
        loss.backward()
        assert math.isfinite(loss.item())
        assert all(own.grad is None or own.grad.isfinite().all() for own in made.parameters())


class TestHead:
    def test_shapes_and_scale(self) -> None:
        made = head(4).eval()
        images, texts = drawn(200, IMAGE) * 3 + 1, drawn(50, TEXT, seed=1)
        made.fit_statistics(images, torch.zeros(200, 3))
        embedding, embedded = made.images(images).embedding, made.texts(texts)
        both = made.parted(images, embedding, texts, embedded)
        for own, common, width, rows in ((both[0], embedding, IMAGE, 200), (both[1], embedded, TEXT, 50)):
            assert torch.equal(own.common, common) and own.private.shape == (rows, 4)
            assert own.features.shape == own.rebuilt.shape == (rows, width)
            assert own.features.square().mean().item() == pytest.approx(1, abs=0.05)
        weight, bias = made.image_private.decoder.parameters()  # type: ignore[union-attr]
        wanted = torch.cat([both[0].common, both[0].private], dim=1) @ weight.T + bias
        assert torch.allclose(both[0].rebuilt, wanted, atol=1e-5)

    def test_what_is_private_changes_nothing_else(self) -> None:
        with_, without, x = head(4).eval(), head(0).eval(), drawn(5, IMAGE)
        assert torch.equal(with_.images(x).embedding, without.images(x).embedding)
        assert torch.equal(with_.texts(drawn(5, TEXT)), without.texts(drawn(5, TEXT)))
        assert set(without.state_dict()) < set(with_.state_dict())  # the weights of older runs still load

    def test_other_heads_have_none(self) -> None:
        with pytest.raises(NotImplementedError):
            head(4, "linear").parted(drawn(1, IMAGE), drawn(1, 8), drawn(1, TEXT), drawn(1, 8))
        with pytest.raises(AssertionError, match="without a private width"):
            head(0).parted(drawn(1, IMAGE), drawn(1, 8), drawn(1, TEXT), drawn(1, 8))

    def test_what_the_shared_space_cannot_hold_goes_into_the_private_one(self) -> None:
        """Eight shared dimensions and one private one hold half of twenty at most; eight and twenty hold them all."""
        images, lost, told_twice = drawn(256, IMAGE), {}, {}
        for private in (1, IMAGE):
            made = head(private).train()
            optimiser = torch.optim.Adam(made.parameters(), lr=1e-2)
            for _ in range(150):
                optimiser.zero_grad()
                found, _none = made.parted(images, made.images(images).embedding, drawn(0, TEXT), drawn(0, 8))
                subspaces([found]).backward()
                optimiser.step()
            lost[private], told_twice[private] = reconstruction(found).item(), difference(found.common, found.private)
        assert lost[1] > 0.35 and lost[IMAGE] < 0.1
        assert told_twice[IMAGE] < 0.02
