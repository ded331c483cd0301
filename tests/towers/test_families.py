"""What holds for the towers of every family: layers, gradients, state, adapters."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
from torch import nn

from core.errors import ConfigError
from core.towers.base import ImageTower, Tower, Towers, fingerprint
from core.towers.lora import add_lora
from tests.towers.conftest import KEYS
from tests.towers.repositories import TEXTS, randomised

LoadTowers = Callable[[str], Towers]
SIDES = [(name, side) for name in KEYS for side in ("image", "text")]
BOTH = ("lite", "open_clip ViT", "open_clip ResNet", "clip")
DISTINCT = [
    (name, side)
    for name, side in SIDES
    if name in BOTH or (side == "text") == (name in ("biobert", "cxr-bert", "sentences"))
]
"""Each kind of tower once."""

STEMS = {
    ("lite", "image"): ("model.conv_stem.weight", 7, "model.conv_head.weight"),
    ("lite", "text"): ("model.embeddings.word_embeddings.weight", 6, None),
    ("open_clip ViT", "image"): ("model.conv1.weight", 2, "model.proj"),
    ("open_clip ViT", "text"): ("model.token_embedding.weight", 2, "model.text_projection"),
    ("open_clip ResNet", "image"): ("model.conv1.weight", 4, "model.attnpool.c_proj.weight"),
    ("open_clip ResNet", "text"): ("model.token_embedding.weight", 2, "model.text_projection"),
    ("clip", "image"): ("model.embeddings.patch_embedding.weight", 2, "projection.weight"),
    ("clip", "text"): ("model.embeddings.token_embedding.weight", 2, "projection.weight"),
    ("timm ResNet", "image"): ("model.conv1.0.weight", 4, None),
    ("timm ViT", "image"): ("model.patch_embed.proj.weight", 6, "model.norm.weight"),
    ("timm EfficientNet", "image"): ("model.conv_stem.weight", 5, "model.conv_head.weight"),
    ("timm ConvNeXt", "image"): ("model.stem.0.weight", 4, "model.head.norm.weight"),
    ("xrv", "image"): ("model.conv0.weight", 4, "model.norm5.weight"),
    ("biobert", "text"): ("model.embeddings.word_embeddings.weight", 2, None),
    ("cxr-bert", "text"): ("model.embeddings.word_embeddings.weight", 2, "projection.dense_to_output.weight"),
    ("sentences", "text"): ("model.embeddings.word_embeddings.weight", 2, None),
}
"""A parameter of the first group, the number of blocks, and a parameter of the last group."""


def tower(towers_of: LoadTowers, name: str, side: str) -> Tower:
    both = towers_of(name)
    made = both.image if side == "image" else both.text
    if name.startswith("timm"):  # it starts residual branches at nearly zero, where nothing would reach them
        randomised(made, by=0.05)
    return made


def passed(tower: Tower) -> torch.Tensor:
    """Features of a few examples, as they are in training."""
    if isinstance(tower, ImageTower):
        generator = torch.Generator().manual_seed(0)
        return tower(torch.rand(3, 1, 80, 80, generator=generator) * 255)
    return tower(tower.tokenize(TEXTS))  # type: ignore[operator]


def assert_close(a: torch.Tensor, b: torch.Tensor) -> None:
    assert float((a - b).abs().max() / a.abs().max()) < 1e-5


@pytest.mark.parametrize(("name", "side"), DISTINCT)
class TestEveryTower:
    def test_layers(self, towers_of: LoadTowers, name: str, side: str) -> None:
        """Every parameter once; from the input to the output; numbered blocks in their order; modes left alone."""
        made = tower(towers_of, name, side)
        made.train()
        next(made.children()).eval()
        before, weights = [part.training for part in made.modules()], fingerprint(made)
        groups = made.layers()
        assert [part.training for part in made.modules()] == before and fingerprint(made) == weights
        assert sorted(name for group in groups for name in group) == sorted(dict(made.named_parameters()))
        first, blocks, last = STEMS[name, side]
        assert first in groups[0] and len(groups) == blocks + 2
        assert last in groups[-1] if last else not groups[-1]
        numbers = []
        for group in groups[1:-1]:
            found = {re.findall(r"(?:block|layer|stage|transition)s?\.?(\d+)", name)[0] for name in group}
            assert len(found) == 1
            numbers.append(int(found.pop()))
        assert numbers == list(range(numbers[0], numbers[0] + blocks))

    def test_gradients(self, towers_of: LoadTowers, name: str, side: str) -> None:
        """In training mode they reach every parameter, all finite; nothing in a tower was made for inference alone."""
        made = tower(towers_of, name, side)
        tensors = [*made.parameters(), *made.buffers()]
        assert not any(tensor.is_inference() for tensor in tensors)
        made.requires_grad_(True).train()
        found = passed(made)
        assert found.shape[1] == made.width and torch.isfinite(found).all()
        (found * torch.linspace(-1, 1, found.numel()).view_as(found)).sum().backward()
        reached = {name: p.grad for name, p in made.named_parameters() if p.grad is not None}
        assert set(reached) == set(dict(made.named_parameters()))
        assert all(torch.isfinite(gradient).all() for gradient in reached.values())
        assert sum(bool(gradient.any()) for gradient in reached.values()) > 0.8 * len(reached)

    def test_state(self, towers_of: LoadTowers, name: str, side: str) -> None:
        """A tower takes the state of one like it, strictly, and is then that one."""
        one, other = tower(towers_of, name, side), tower(towers_of, name, side)
        assert fingerprint(one) == fingerprint(other)  # also of weights that are drawn
        with torch.no_grad():
            for parameter in one.parameters():
                parameter.mul_(1.01)
        assert fingerprint(one) != fingerprint(other)
        other.load_state_dict(one.state_dict(), strict=True)
        assert fingerprint(one) == fingerprint(other)
        with torch.no_grad():
            assert torch.equal(passed(one.eval()), passed(other.eval()))

    def test_lora(self, towers_of: LoadTowers, name: str, side: str) -> None:
        """Without effect at first; gradients in adapters only; a step changes nothing else; their names carry them."""
        made = tower(towers_of, name, side).eval()
        with torch.no_grad():
            plain = passed(made)
        own = {name: value.clone() for name, value in made.state_dict().items()}
        adapters = add_lora(made, rank=2, alpha=4, dropout=0.0, seed=1)
        assert adapters and all("lora_" in name for name in adapters)
        with torch.no_grad():
            assert_close(plain, passed(made))
        passed(made).square().sum().backward()
        reached = {name for name, parameter in made.named_parameters() if parameter.grad is not None}
        trainable = {name for name, parameter in made.named_parameters() if parameter.requires_grad}
        assert reached == trainable == set(adapters)
        up = [parameter for name, parameter in made.named_parameters() if "lora_B" in name]
        assert all(parameter.grad is not None and parameter.grad.any() for parameter in up)  # none stands idle
        torch.optim.Adam([p for p in made.parameters() if p.requires_grad], lr=0.01).step()
        state = made.state_dict()
        kept = {name.replace(".base_layer", ""): value for name, value in state.items() if name not in adapters}
        assert set(kept) == set(own) and all(torch.equal(kept[name], own[name]) for name in own)
        with torch.no_grad():
            learned = passed(made)
        assert not torch.allclose(learned, plain, rtol=1e-3)
        again = tower(towers_of, name, side).eval()
        assert add_lora(again, rank=2, alpha=4, dropout=0.0, seed=9) == adapters
        told = again.load_state_dict({name: state[name] for name in adapters}, strict=False)
        assert not told.unexpected_keys and not set(told.missing_keys) & set(adapters)
        with torch.no_grad():
            assert torch.equal(passed(again), learned)
        assert sorted(name for group in made.layers() for name in group) == sorted(dict(made.named_parameters()))


class TestLora:
    def test_number_of_parameters(self, towers_of: LoadTowers) -> None:
        """CLIP's text half, by hand: 2 blocks of four 32 x 32, a 32 x 64 and a 64 x 32; the projection 32 -> 24."""
        made = towers_of("clip").text
        rank = 3
        blocks = 2 * (4 * (32 + 32) + (32 + 64) + (64 + 32)) * rank
        names = add_lora(made, rank=rank, alpha=3)
        count = {name: parameter.numel() for name, parameter in made.named_parameters()}
        assert sum(count[name] for name in names) == blocks + (32 + 24) * rank == 2856

    def test_the_joint_weights_of_attention(self, towers_of: LoadTowers) -> None:
        """open_clip's small ViT: per block the 64 -> 3 x 64 of attention, 64 -> 256 and back."""
        made = towers_of("open_clip ViT").image
        names = add_lora(made, rank=1, alpha=1)
        count = {name: parameter.numel() for name, parameter in made.named_parameters()}
        assert sum(count[name] for name in names) == 2 * ((64 + 3 * 64) + 2 * (64 + 256))
        assert not any("out_proj" in name for name in names)

    def test_what_an_adapter_adds(self, towers_of: LoadTowers) -> None:
        """alpha / rank * B A, on the joint weights as on a layer: the same tower with those sums in its weights."""
        for name, targets in (("open_clip ViT", ("attn.in_proj_weight", "mlp.c_fc.weight")), ("timm ViT", ())):
            made, plain = towers_of(name).image.eval(), towers_of(name).image.eval()
            add_lora(made, rank=2, alpha=6, seed=0)
            parts = {n: p for n, p in made.named_parameters() if "lora_" in n}
            with torch.no_grad():
                for part in parts.values():
                    part.copy_(torch.randn(part.shape, generator=torch.Generator().manual_seed(1)) * 0.05)
                for a in (n for n in parts if "lora_A" in n):
                    layer = a.partition(".lora_A")[0]
                    weight = "in_proj_weight" if layer.endswith(".attn") else "weight"
                    down, up = parts[a], parts[a.replace("lora_A", "lora_B")]
                    plain.get_parameter(f"{layer}.{weight}").add_(6 / 2 * up @ down)
                assert all(any(target in n for n, _ in plain.named_parameters()) for target in targets)
                assert_close(passed(plain), passed(made))

    def test_the_seed(self, towers_of: LoadTowers) -> None:
        drawn = []
        for seed in (0, 0, 1):
            made = towers_of("biobert").text
            torch.manual_seed(len(drawn))  # what was drawn before does not matter
            names = add_lora(made, rank=2, alpha=2, seed=seed)
            drawn.append(made.state_dict()[names[0]])
        assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])

    def test_dropout(self, towers_of: LoadTowers) -> None:
        made = towers_of("open_clip ViT").image
        add_lora(made, rank=2, alpha=2, dropout=0.3)
        rates = [part.p for name, part in made.named_modules() if isinstance(part, nn.Dropout) and "lora" in name]
        assert rates == [0.3] * 4  # two layers in each of two blocks

    def test_nothing_to_adapt(self, towers_of: LoadTowers) -> None:
        class Mean(ImageTower):
            def __init__(self) -> None:
                super().__init__()
                self.recipe, self.scale = towers_of("timm ViT").image.recipe, nn.Parameter(torch.ones(3))

            def features(self, prepared: torch.Tensor) -> torch.Tensor:
                return prepared.mean((2, 3)) * self.scale

        with pytest.raises(ConfigError, match="Mean has neither linear layers nor convolutions"):
            add_lora(Mean(), rank=2, alpha=2)

    def test_twice(self, towers_of: LoadTowers) -> None:
        made = towers_of("biobert").text
        add_lora(made, rank=2, alpha=2)
        with pytest.raises(ConfigError, match="adapters already"):
            add_lora(made, rank=4, alpha=2)
