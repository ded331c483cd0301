"""Saliency maps of every family of towers, against values worked by hand and slow versions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.attention.saliency import Found, Score, grad_cam, gradient_roll_out, roll_out, saliency
from core.attention.structure import LastMap, Tokens, structure_of
from core.attention.watching import Watched
from core.config.encoders import resolve_encoder
from core.errors import ConfigError, InputError
from core.towers.base import ImageTower, Recipe, fingerprint
from core.towers.loading import load_image
from core.towers.lora import add_lora
from tests.small_towers import SmallImage
from tests.towers import repositories
from tests.towers.conftest import KEYS

CONVOLUTIONAL = ("lite", "open_clip ResNet", "timm ResNet", "timm EfficientNet", "timm ConvNeXt", "xrv")
ATTENDING = ("open_clip ViT", "clip", "timm ViT")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repositories.write_all(tmp_path_factory.mktemp("repositories"))


def tower_of(name: str, root: Path) -> ImageTower:
    torch.manual_seed(0)
    return load_image(resolve_encoder(KEYS[name].format(root=root))).eval().requires_grad_(False)


def noise(side: int = 64, seed: int = 0) -> Tensor:
    return torch.rand(1, 1, side, side, generator=torch.Generator().manual_seed(seed)) * 255


def towards(width: int, seed: int = 1) -> Score:
    """A linear score of the features."""
    weights = torch.randn(width, generator=torch.Generator().manual_seed(seed))
    return lambda features: features[0] @ weights


class Bright(ImageTower):
    """Brightness alone, in a grid of 4 x 4: what its score depends on is where the bright patch is."""

    width = 1

    def __init__(self) -> None:
        super().__init__()
        self.recipe = Recipe(side=16, mean=(0.5,), std=(0.5,))
        patches = nn.Conv2d(1, 1, 4, stride=4, bias=False)
        nn.init.constant_(patches.weight, 1 / 16)
        self.part = nn.Sequential(patches, nn.ReLU())

    def features(self, prepared: Tensor) -> Tensor:
        found: Tensor = self.part(prepared)
        return found.mean((2, 3))


def test_grad_cam_by_hand() -> None:
    """Channel 0 has mean gradient 2, channel 1 -1: 2 a - b, what is below 0 left out."""
    features = torch.tensor([[[1.0, 2.0], [0.0, 3.0]], [[1.0, 5.0], [1.0, 0.0]]])
    gradient = torch.tensor([[[2.0, 2.0], [1.0, 3.0]], [[-1.0, -1.0], [0.0, -2.0]]])
    assert grad_cam(features, gradient).tolist() == [[1.0, 0.0], [0.0, 6.0]]


@pytest.mark.parametrize(("top", "left"), [(0, 0), (8, 4), (12, 12)])
def test_a_patch_that_alone_makes_the_score_is_found(top: int, left: int) -> None:
    picture = torch.full((1, 1, 16, 16), 10.0)
    picture[..., top : top + 4, left : left + 4] = 250
    found = saliency(Bright(), lambda features: features[0, 0], picture)
    values = found.values
    assert values.shape == (4, 4) and found.where == "part, 4 x 4"
    assert np.unravel_index(values.argmax(), (4, 4)) == (top // 4, left // 4)
    assert (values > 0).sum() == 1
    # the part gives 250 / 255 * 2 - 1 there, and the score, a mean over 16 places, moves by 1 / 16 of it
    assert values.max() == pytest.approx((250 / 255 * 2 - 1) / 16, rel=1e-5)
    against = saliency(Bright(), lambda features: -features[0, 0], picture)
    assert not against.values.any()  # it lowers this score: an empty map


def slow(attention: list[Tensor], gradients: list[Tensor] | None) -> np.ndarray:
    """Both roll-outs entry by entry."""
    heads, count, _ = attention[0].shape
    through = [[float(i == j) for j in range(count)] for i in range(count)]
    for layer, own in enumerate(attention):
        step = [[0.0] * count for _ in range(count)]
        for i in range(count):
            for j in range(count):
                for head in range(heads):
                    value = float(own[head, i, j])
                    if gradients is not None:
                        value = max(0.0, value * float(gradients[layer][head, i, j]))
                    step[i][j] += value / heads
                step[i][j] = step[i][j] if gradients is not None else 0.5 * step[i][j] + 0.5 * (i == j)
        new = [[sum(step[i][k] * through[k][j] for k in range(count)) for j in range(count)] for i in range(count)]
        if gradients is not None:
            new = [[new[i][j] + through[i][j] for j in range(count)] for i in range(count)]
        through = new
    return np.array(through) - (np.eye(count) if gradients is not None else 0)


def test_roll_outs_of_two_layers_against_a_slow_version() -> None:
    random = torch.Generator().manual_seed(3)
    attention = [torch.rand(3, 5, 5, generator=random).softmax(-1) for _ in range(2)]
    gradients = [torch.randn(3, 5, 5, generator=random) for _ in range(2)]
    assert np.allclose(roll_out(attention).numpy(), slow(attention, None), atol=1e-6)
    assert np.allclose(roll_out(attention).sum(-1), 1, atol=1e-6)
    assert np.allclose(gradient_roll_out(attention, gradients).numpy(), slow(attention, gradients), atol=1e-6)


def test_a_roll_out_by_hand() -> None:
    """One head, two tokens; layer 1 mixes half and half, layer 2 looks at the other one alone."""
    half, other = torch.full((1, 2, 2), 0.5), torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
    assert torch.allclose(roll_out([half, other]), torch.full((2, 2), 0.5))
    gradients = [torch.tensor([[[2.0, -2.0], [0.0, 2.0]]]), torch.tensor([[[0.0, 3.0], [-1.0, 0.0]]])]
    # layer 1: [[1, 0], [0, 1]] added to I gives 2 I; layer 2: [[0, 3], [0, 0]] @ 2 I added gives [[2, 6], [0, 2]]
    assert gradient_roll_out([half, other], gradients).tolist() == [[1.0, 6.0], [0.0, 1.0]]


@pytest.mark.parametrize("name", [*CONVOLUTIONAL, *ATTENDING])
class TestEveryFamily:
    def test_the_score_is_the_towers_own_and_nothing_changes(self, name: str, root: Path) -> None:
        tower, pixels = tower_of(name, root), noise()
        before, score = fingerprint(tower), towards(tower.width)
        with torch.no_grad():
            expected, training = score(tower(pixels)), [part.training for part in tower.modules()]
        found = saliency(tower, score, pixels)
        assert found.score == pytest.approx(float(expected), rel=1e-4, abs=1e-4)
        assert fingerprint(tower) == before and all(one.grad is None for one in tower.parameters())
        assert [part.training for part in tower.modules()] == training
        assert not any(part._forward_hooks for part in tower.modules())
        assert found.values.ndim == 2 and min(found.values.shape) > 1 and (found.values >= 0).all()
        again = saliency(tower, score, pixels)
        assert np.array_equal(found.values, again.values)

    def test_other_weights_give_another_map(self, name: str, root: Path) -> None:
        """The sanity check of Adebayo et al. (NeurIPS 2018): a map that does not notice random weights says nothing."""
        tower, pixels = tower_of(name, root), noise()
        score = towards(tower.width)
        before = self._both(tower, score, pixels)
        repositories.randomised(tower, seed=7)
        tower.eval().requires_grad_(False)
        assert np.abs(self._both(tower, score, pixels) - before).max() > 1e-2 * max(before.max(), 1e-6)

    def _both(self, tower: ImageTower, score: Score, pixels: Tensor) -> np.ndarray:
        """What raises the score, and what lowers it: one of the two is never empty."""
        minus: Found = saliency(tower, lambda features: -score(features), pixels)
        return np.stack([saliency(tower, score, pixels).values, minus.values])


@pytest.mark.parametrize("name", ATTENDING)
def test_watched_attention_is_what_the_tower_computes(name: str, root: Path) -> None:
    tower, pixels = tower_of(name, root), noise()
    expected = tower(pixels)
    with Watched() as watched:
        found = tower(pixels)
    assert torch.allclose(found, expected, atol=1e-4)
    structure = structure_of(tower)
    assert isinstance(structure, Tokens) and len(watched.attention) == structure.layers
    for one in watched.attention:
        assert torch.allclose(one.sum(-1), torch.ones(()), atol=1e-5)


@pytest.mark.parametrize("name", ATTENDING)
def test_the_gradient_by_attention_is_that_of_the_score(name: str, root: Path) -> None:
    """Against a step to either side of one probability in the last layer."""
    tower, pixels = tower_of(name, root), noise().double()
    tower.double()
    weights = torch.randn(tower.width).double()

    def score(features: Tensor) -> Tensor:
        return features[0] @ weights

    with Watched() as watched:
        value = score(tower(pixels))
    gradient = torch.autograd.grad(value, watched.attention[-1])[0]
    place = (0, 0, 0, 3)

    class Nudged(Watched):
        def _kept(self, query: Tensor, key: Tensor, scale: float) -> Tensor:
            found = super()._kept(query, key, scale)
            if len(self.attention) < len(watched.attention):
                return found
            found = found.detach().clone()
            found[place] += self.by  # type: ignore[attr-defined]
            return found

    values = []
    for by in (1e-4, -1e-4):
        nudged = Nudged()
        nudged.by = by  # type: ignore[attr-defined]
        with nudged, torch.no_grad():
            values.append(float(score(tower(pixels))))
    assert float(gradient[place]) == pytest.approx((values[0] - values[1]) / 2e-4, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("name", ATTENDING)
def test_plain_roll_out_knows_no_score(name: str, root: Path) -> None:
    tower, pixels = tower_of(name, root), noise()
    one, other = (saliency(tower, towards(tower.width, seed), pixels, "rollout") for seed in (1, 2))
    assert np.array_equal(one.values, other.values) and one.score != other.score
    gradients = [saliency(tower, towards(tower.width, seed), pixels).values for seed in (1, 2)]
    assert not np.allclose(*gradients)


@pytest.mark.parametrize("name", ["open_clip ViT", "timm ViT", "open_clip ResNet"])
def test_a_tower_with_adapters(name: str, root: Path) -> None:
    tower, pixels = tower_of(name, root), noise()
    plain = saliency(tower, towards(tower.width), pixels)
    add_lora(tower, rank=2, alpha=4)
    tower.eval().requires_grad_(False)
    same = saliency(tower, towards(tower.width), pixels)
    assert same.score == pytest.approx(plain.score, rel=1e-4, abs=1e-4)
    assert np.allclose(same.values, plain.values, atol=1e-4)
    assert same.where == plain.where


def test_a_transformer_that_reads_the_mean_of_its_patches() -> None:
    import timm

    from core.config.encoders import TowerConfig
    from core.towers.timm import TimmImage

    torch.manual_seed(0)
    model = timm.create_model("test_vit", pretrained=False, num_classes=0, global_pool="avg")
    tower = TimmImage(model, TowerConfig(family="timm", name="test_vit", pretrained="random")).eval()
    structure = structure_of(tower)
    assert isinstance(structure, Tokens) and structure.read == "mean"
    assert saliency(tower, towards(tower.width), noise()).values.max() > 0


def test_roll_out_of_a_convolutional_tower_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"convolutional.*'gradient'"):
        saliency(SmallImage().eval(), towards(6), noise(8), "rollout")


def test_a_small_residual_network() -> None:
    tower = SmallImage().eval()
    structure = structure_of(tower)
    assert isinstance(structure, LastMap) and structure.side == 4 and structure.name.startswith("rungs.1")


class Own(ImageTower):
    """Attends in a way of its own, or keeps no places."""

    width = 3

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.recipe, self.part, self.last = Recipe(side=8, mean=(0.5,), std=(0.5,)), part, nn.Linear(64, 3)

    def features(self, prepared: Tensor) -> Tensor:
        found: Tensor = self.last(self.part(prepared.flatten(1)))
        return found


class StrangeAttention(nn.Identity):
    pass


@pytest.mark.parametrize(
    ("part", "why"), [(StrangeAttention(), "a way of its own .StrangeAttention."), (nn.Identity(), "no feature map")]
)
def test_a_tower_that_is_not_known_says_what_can_be_shown(part: nn.Module, why: str) -> None:
    with pytest.raises(ConfigError, match=rf"Own looks cannot be shown: .*{why}.*vision transformers of open_clip"):
        saliency(Own(part).eval(), towards(3), noise(8))


def test_attention_that_cannot_be_watched_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tower = tower_of("timm ViT", root)
    for block in tower.model.blocks:  # type: ignore[union-attr]
        block.attn.fused_attn = False  # type: ignore[union-attr]
    with pytest.raises(InputError, match="of which 0 could be watched"):
        saliency(tower, towards(tower.width), noise())
