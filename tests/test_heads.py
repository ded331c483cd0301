"""Heads: shapes and norms, what they promise of cosines, and that they learn what they are trained for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.config.run import HeadConfig
from core.heads import DiseaseTokenHead, Head, LinearHead, PlainHead, ProjectionHead, TextModule, build_head

IMAGE, TEXT, WIDTH, DISEASES, BATCH = 20, 12, 16, 5, 7
KINDS = ("none", "linear", "projection", "disease-tokens")


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Matrices this small are slower on more threads, above all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def labels_of(features: Tensor) -> Tensor:
    """One finding in three is present."""
    return (torch.arange(len(features) * DISEASES).view(len(features), DISEASES) % 3 == 0).float()


LABELS = labels_of(torch.zeros(30, 1))


def made(kind: str, *, image: int = IMAGE, text: int = TEXT, width: int = WIDTH, **changes: object) -> Head:
    torch.manual_seed(0)
    config = HeadConfig(kind=kind, width=width, **changes)  # type: ignore[arg-type]
    prompts = drawn(DISEASES, text, seed=9)
    return build_head(config, image_width=image, prompts=prompts, temperature=0.07, learn_temperature=True)


def unit_rows(vectors: Tensor) -> bool:
    return torch.allclose(vectors.norm(dim=-1), torch.ones(vectors.shape[:-1]), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", [1, BATCH])
def test_shapes_and_norms(kind: str, batch: int) -> None:
    head = made(kind).eval()
    output = head.images(drawn(batch, IMAGE))
    width = {"none": TEXT, "linear": TEXT}.get(kind, WIDTH)
    assert output.embedding.shape == (batch, width) and unit_rows(output.embedding)
    prompts = head.prompts(drawn(DISEASES, TEXT, seed=1))
    assert prompts.shape == (DISEASES, width) and unit_rows(prompts)
    assert (output.logits is not None) == head.classifier == (kind in ("linear", "disease-tokens"))
    if output.logits is not None:
        assert output.logits.shape == (batch, DISEASES)
    if kind == "disease-tokens":
        assert output.tokens is not None
        assert output.tokens.shape == (batch, DISEASES, WIDTH) and unit_rows(output.tokens)
        assert not head.caption_branch
    else:
        assert output.tokens is None and head.caption_branch
        texts = head.texts(drawn(3, TEXT, seed=2))
        assert texts.shape == (3, width) and unit_rows(texts)


@pytest.mark.parametrize(
    ("kind", "cls"),
    [
        ("none", PlainHead),
        ("linear", LinearHead),
        ("projection", ProjectionHead),
        ("disease-tokens", DiseaseTokenHead),
    ],
)
def test_build_head(kind: str, cls: type[Head]) -> None:
    head = made(kind)
    assert type(head) is cls
    assert head.scale.item() == pytest.approx(1 / 0.07)
    assert head.log_scale.requires_grad


@pytest.mark.parametrize("layers", [0, 1, 3])
def test_a_projection_has_as_many_residual_blocks_as_asked_for(layers: int) -> None:
    head = ProjectionHead(IMAGE, TEXT, HeadConfig(kind="projection", width=8, layers=layers), 0.07, True)
    assert sum(isinstance(part, torch.nn.Linear) for part in head.image.modules()) == 1 + layers
    x = drawn(2, TEXT)
    if not layers:  # one linear layer, as in the simplest dual encoders
        weight, bias = head.text.state_dict().values()
        wanted = F.normalize(F.normalize(x, dim=-1) @ weight.T + bias, dim=-1)
        assert torch.allclose(head.texts(x), wanted, atol=1e-6)


class TestPlain:
    def test_equal_widths_keep_every_cosine(self) -> None:
        head = made("none", image=TEXT)
        images, texts = drawn(6, TEXT), drawn(4, TEXT, seed=1)
        wanted = F.normalize(images, dim=-1) @ F.normalize(texts, dim=-1).T
        assert torch.equal(head.images(images).embedding, F.normalize(images, dim=-1))
        assert torch.allclose(head.images(images).embedding @ head.texts(texts).T, wanted, atol=1e-6)

    @pytest.mark.parametrize(("image", "text"), [(IMAGE, TEXT), (TEXT, IMAGE)])
    def test_unequal_widths_meet_in_the_narrower_by_orthonormal_rows(self, image: int, text: int) -> None:
        head = made("none", image=image, text=text)
        assert isinstance(head, PlainHead)
        wide, narrow = (head.image_map, head.text_map) if image > text else (head.text_map, head.image_map)
        assert wide.shape == (TEXT, IMAGE) and torch.equal(narrow, torch.eye(TEXT))
        assert torch.allclose(wide @ wide.T, torch.eye(TEXT), atol=1e-5)
        assert head.images(drawn(2, image)).embedding.shape == head.texts(drawn(2, text)).shape == (2, TEXT)

    def test_the_random_map_is_always_the_same(self) -> None:
        torch.manual_seed(1)
        first = PlainHead(IMAGE, TEXT, 0.07)
        state = torch.get_rng_state()
        second = PlainHead(IMAGE, TEXT, 0.07)
        assert torch.equal(first.image_map, second.image_map)
        assert torch.equal(state, torch.get_rng_state())  # and it does not disturb the seed of anything else

    def test_unaligned_towers_are_at_chance(self) -> None:
        head = PlainHead(1280, 384, 0.07)
        cosines = head.images(drawn(200, 1280)).embedding @ head.texts(drawn(14, 384, seed=1)).T
        assert abs(cosines.mean().item()) < 0.01
        assert cosines.std().item() == pytest.approx(384**-0.5, rel=0.05)


class TestLinear:
    def test_logits_are_scaled_cosines_with_the_prompts_and_a_bias(self) -> None:
        head = made("linear")
        assert isinstance(head, LinearHead)
        head.fit_statistics(drawn(30, IMAGE, seed=3) * 4 + 1, LABELS)
        with torch.no_grad():
            head.bias.copy_(torch.arange(DISEASES))
        x, prompts = drawn(2, IMAGE), drawn(DISEASES, TEXT, seed=9)
        output = head.images(x)
        for i in range(2):
            inside = head.image.weight @ ((x[i] - head.mean) / head.std) + head.image.bias
            for k in range(DISEASES):
                cosine = F.cosine_similarity(inside, prompts[k], dim=0).item()
                assert output.logits is not None
                assert output.logits[i, k].item() == pytest.approx(cosine / 0.07 + k, abs=1e-4)

    def test_prompts_stay_as_they_are(self) -> None:
        head, prompts = made("linear"), drawn(DISEASES, TEXT, seed=9)
        assert isinstance(head, LinearHead)
        assert torch.equal(head.prompts(prompts), F.normalize(prompts, dim=-1))
        assert torch.equal(head.class_weights, F.normalize(prompts, dim=-1))
        assert "class_weights" not in dict(head.named_parameters())


class TestStatistics:
    def test_features_are_standardised(self) -> None:
        head = made("linear")
        features = drawn(50, IMAGE) * torch.linspace(1, 3, IMAGE) + 5
        head.fit_statistics(features, labels_of(features))
        assert torch.allclose(head.standardised(features).mean(0), torch.zeros(IMAGE), atol=1e-5)
        assert torch.allclose(head.standardised(features).std(0, correction=0), torch.ones(IMAGE), atol=1e-5)

    def test_a_channel_that_sleeps_in_training_cannot_drown_the_others(self) -> None:
        head, features = made("linear"), drawn(50, IMAGE)
        features[:, 3], features[:, 4] = 0.0, 1e-5 * features[:, 4]
        head.fit_statistics(features, labels_of(features))
        awake = drawn(8, IMAGE, seed=1)
        assert head.standardised(awake).abs().max() < 50

    @pytest.mark.parametrize("features", [torch.ones(1, IMAGE), torch.full((9, IMAGE), 2.0)])
    def test_nothing_to_learn_a_scale_from(self, features: Tensor) -> None:
        head = made("linear")
        head.fit_statistics(features, labels_of(features))
        assert torch.equal(head.std, torch.ones(IMAGE))
        assert not head.standardised(features).any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_head_survives_safetensors(kind: str, tmp_path: Path) -> None:
    head = made(kind)
    head.fit_statistics(drawn(30, IMAGE, seed=3), LABELS)
    save_file(head.state_dict(), tmp_path / "head.safetensors")
    torch.manual_seed(77)
    prompts = drawn(DISEASES, TEXT, seed=5)  # other prompts: what counts is what was saved
    other = build_head(
        HeadConfig(kind=kind, width=WIDTH),  # type: ignore[arg-type]
        image_width=IMAGE,
        prompts=prompts,
        temperature=0.5,
        learn_temperature=True,
    )
    other.load_state_dict(load_file(tmp_path / "head.safetensors"))
    x, (a, b) = drawn(BATCH, IMAGE), (one.eval() for one in (head, other))
    assert torch.equal(a.images(x).embedding, b.images(x).embedding)
    assert torch.equal(a.prompts(prompts), b.prompts(prompts))
    assert torch.equal(a.scale, b.scale)
    logits = a.images(x).logits
    if logits is not None:
        assert torch.equal(logits, b.images(x).logits)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_evaluation_is_repeatable_and_dropout_acts_in_training_alone(kind: str) -> None:
    head, x = made(kind, dropout=0.5), drawn(BATCH, IMAGE)
    head.eval()
    with torch.no_grad():
        assert torch.equal(head.images(x).embedding, head.images(x).embedding)
        alone = torch.cat([head.images(row[None]).embedding for row in x])
        assert torch.allclose(alone, head.images(x).embedding, atol=1e-5)  # no radiograph looks at another
        fast = head.images(x).embedding  # PyTorch has a second, fused transformer for this mode
    assert torch.allclose(fast, head.images(x).embedding.detach(), atol=1e-5)
    head.train()
    noisy = not torch.equal(head.images(x).embedding, head.images(x).embedding)
    assert noisy == (kind in ("projection", "disease-tokens"))


class TestTemperature:
    def test_it_never_leaves_its_bound_for_good(self) -> None:
        """Beyond the bound the gradient is 0: without being put back, the temperature would never move again."""
        head = made("projection")
        optimiser = torch.optim.SGD([head.log_scale], lr=1.0)
        for direction, expected in ((-1.0, 100.0), (-1.0, 100.0), (1.0, 100.0 / torch.e)):
            optimiser.zero_grad()
            (head.scale.log() * (10 if direction < 0 else 1) * direction).backward()
            optimiser.step()
            head.bound_scale()
            assert head.scale.item() == pytest.approx(expected, rel=1e-4)

    def test_a_frozen_temperature_is_left_alone(self) -> None:
        head = PlainHead(4, 4, temperature=0.001)
        before = head.log_scale.clone()
        head.bound_scale()
        assert torch.equal(head.log_scale, before) and head.scale.item() == pytest.approx(100)


class TestDiseaseTokens:
    def test_an_image_lies_among_the_tokens_that_it_shows(self) -> None:
        head = made("disease-tokens").eval()
        output = head.images(drawn(3, IMAGE))
        assert output.tokens is not None and output.logits is not None
        for i in range(3):
            mixed = sum(torch.sigmoid(output.logits[i, k]) * output.tokens[i, k] for k in range(DISEASES))
            assert torch.allclose(output.embedding[i], F.normalize(mixed, dim=0), atol=1e-5)  # type: ignore[arg-type]

    def test_prompts_see_each_other(self) -> None:
        head = made("disease-tokens").eval()
        features = drawn(DISEASES, TEXT, seed=4)
        changed = features.clone()
        changed[-1] = drawn(TEXT, seed=5)
        assert not torch.allclose(head.prompts(features)[0], head.prompts(changed)[0], atol=1e-4)

    def test_equal_widths_need_no_inlet(self) -> None:
        assert isinstance(TextModule(16, HeadConfig(width=16)).inlet, torch.nn.Identity)
        assert isinstance(TextModule(12, HeadConfig(width=16)).inlet, torch.nn.Linear)

    def test_it_knows_no_free_text(self) -> None:
        with pytest.raises(NotImplementedError):
            made("disease-tokens").texts(drawn(1, TEXT))


@pytest.mark.parametrize("kind", KINDS)
def test_a_query_is_a_text_of_its_own(kind: str) -> None:
    """Norm 1, and what else is asked for at the same time changes nothing; where there is free text, it is a text."""
    head = made(kind).eval()
    features, prompts = drawn(3, TEXT, seed=1), F.normalize(drawn(DISEASES, TEXT, seed=2), dim=-1)
    found = head.query(features, prompts)
    assert unit_rows(found) and found.shape[1] == head.images(drawn(1, IMAGE)).embedding.shape[1]
    assert torch.allclose(found[1:2], head.query(features[1:2], prompts), atol=1e-6)
    assert torch.allclose(found, head.query(7 * features, prompts), atol=1e-5)
    if head.caption_branch:
        assert torch.equal(found, head.texts(features))


def test_a_query_joins_the_prompts_of_a_disease_token_head() -> None:
    """A prompt that is asked for is one more token like that disease's own: both come out the same."""
    head = made("disease-tokens").eval()
    prompts = F.normalize(drawn(DISEASES, TEXT, seed=2), dim=-1)
    for at in range(DISEASES):
        both = head.prompts(torch.cat([prompts, prompts[at : at + 1]]))
        assert torch.allclose(head.query(prompts[at : at + 1], prompts)[0], both[at], atol=1e-5)
