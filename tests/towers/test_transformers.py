"""CLIP and text encoders out of folders: bit-close to the library's own way, and refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import AutoModel, AutoTokenizer, BertForMaskedLM, BertTokenizer, CLIPImageProcessor, CLIPModel

from core.config.encoders import TowerConfig, resolve_encoder
from core.encoders import load_encoder
from core.errors import ConfigError, WeightsMissing
from core.towers import bert
from core.towers.bert import BertText
from core.towers.cxr_bert import ProjectionHead
from tests.test_encoders import noise
from tests.towers import repositories
from tests.towers.repositories import MEAN, STD, TEXTS

CPU = torch.device("cpu")


def close(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-5, atol=1e-5)


def text_tower(folder: Path) -> BertText:
    return bert.load(TowerConfig(family="bert", name=f"local-dir:{folder}"))


def features(tower: BertText, texts: list[str]) -> torch.Tensor:
    with torch.no_grad():
        return tower.eval()(tower.tokenize(texts))


class TestClip:
    def test_it_is_the_librarys(self, hub_root: Path) -> None:
        folder = hub_root / repositories.CLIP
        encoder = load_encoder(resolve_encoder(f"clip:{folder}"), CPU)
        model, tokenizer = CLIPModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
        images = noise(3, 64, 64)
        pictures = [Image.fromarray(one).convert("RGB") for one in images]
        pixels = CLIPImageProcessor.from_pretrained(folder)(images=pictures, return_tensors="pt")["pixel_values"]
        tokens = tokenizer(TEXTS, padding=True, return_tensors="pt")
        with torch.no_grad():
            seen = model(pixel_values=pixels, **tokens)
        for found, wanted in (
            (encoder.embed_images(images), seen.image_embeds),
            (encoder.embed_texts(TEXTS), seen.text_embeds),
        ):
            unit = torch.nn.functional.normalize(torch.from_numpy(found), dim=1)
            assert close(unit, wanted)
        assert encoder.aligned and encoder.image.recipe.side == 64
        assert (encoder.image.recipe.mean, encoder.image.recipe.std) == (tuple(MEAN), tuple(STD))
        assert encoder.logit_scale == pytest.approx(float(model.logit_scale.detach().exp()))
        assert encoder.image_width == encoder.text_width == 24

    def test_a_text_is_alone_and_may_be_long(self, hub_root: Path) -> None:
        encoder = load_encoder(resolve_encoder(f"clip:{hub_root / repositories.CLIP}"), CPU)
        texts = ["mass", "a long text " * 60]
        both = encoder.embed_texts(texts)
        assert encoder.text.tokenize(texts)["input_ids"].shape == (2, 77)
        for row, text in enumerate(texts):
            assert close(torch.from_numpy(encoder.embed_texts([text])[0]), torch.from_numpy(both[row]))

    def test_another_side(self, hub_root: Path) -> None:
        config = resolve_encoder(f"clip:{hub_root / repositories.CLIP}")
        larger = load_encoder(config.replace(image=config.image.replace(side=96)), CPU)
        assert larger.aligned and larger.embed_images(noise(2, 64, 64)).shape == (2, 24)
        assert larger.image.prepare(torch.zeros(1, 1, 64, 64)).shape == (1, 3, 96, 96)

    @pytest.mark.parametrize(
        "damage", ["no weights", "other weights", "a pickle", "no tokenizer", "no vocabulary", "no processor"]
    )
    def test_what_does_not_load(self, copied: Callable[[str], Path], damage: str) -> None:
        folder = copied(repositories.CLIP)
        if damage == "a pickle":
            repositories.poison(folder)
        elif damage == "other weights":
            repositories.save_tensors(folder, {"a": torch.ones(2)})
        elif damage == "no vocabulary":
            (folder / "vocab.json").unlink()
        elif damage == "no tokenizer":
            for file in ("vocab.json", "tokenizer_config.json"):
                (folder / file).unlink()
        else:
            (folder / ("model.safetensors" if damage == "no weights" else "preprocessor_config.json")).unlink()
        with pytest.raises(WeightsMissing, match="folder clip-vit-base-patch32 does not load as a CLIP model") as error:
            load_encoder(resolve_encoder(f"clip:{folder}"), CPU)
        assert "model.safetensors, preprocessor_config.json and the tokenizer's files" in str(error.value)
        assert not (folder / "ran").exists()


class TestBert:
    def test_biobert(self, hub_root: Path) -> None:
        """The [CLS] of the last layer, of cased words, although nothing but the vocabulary says so."""
        folder = hub_root / repositories.BIOBERT
        tower = text_tower(folder)
        model = BertForMaskedLM.from_pretrained(folder, output_hidden_states=True).eval()
        tokens = BertTokenizer.from_pretrained(folder, do_lower_case=False)(TEXTS, padding=True, return_tensors="pt")
        with torch.no_grad():
            wanted = model(**tokens).hidden_states[-1][:, 0]
        assert close(features(tower, TEXTS), wanted) and tower.width == 32
        assert tower.tokenizer.tokenize("Mass mass Effusion") == ["Mass", "mass", "[UNK]"]

    def test_what_a_tokenizer_says_of_capitals_is_obeyed(self, copied: Callable[[str], Path]) -> None:
        folder = copied(repositories.BIOBERT)
        (folder / "tokenizer_config.json").write_text('{"do_lower_case": true}')
        assert text_tower(folder).tokenizer.tokenize("Mass") == ["mass"]

    def test_pubmedbert(self, hub_root: Path) -> None:
        folder = hub_root / repositories.BIOMEDBERT
        tower = text_tower(folder)
        tokens = AutoTokenizer.from_pretrained(folder)(TEXTS, padding=True, return_tensors="pt")
        with torch.no_grad():
            wanted = AutoModel.from_pretrained(folder).eval()(**tokens).last_hidden_state[:, 0]
        assert close(features(tower, TEXTS), wanted)
        assert torch.equal(features(tower, ["Mass"]), features(tower, ["mass"]))
        assert tower.tokenize(["mass " * 50])["input_ids"].shape == (1, 20)  # as its tokenizer says

    def test_a_sentence_transformer(self, hub_root: Path) -> None:
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer import modules

        folder = hub_root / repositories.SENTENCES
        tower = text_tower(folder)
        words = modules.Transformer(str(folder), max_seq_length=6)
        wanted = SentenceTransformer(modules=[words, modules.Pooling(32, "mean")], device="cpu").encode(
            [*TEXTS, "mass " * 9], convert_to_tensor=True
        )
        assert close(features(tower, [*TEXTS, "mass " * 9]), wanted)

    def test_another_way_of_pooling(self, copied: Callable[[str], Path]) -> None:
        folder = copied(repositories.SENTENCES)
        (folder / "1_Pooling/config.json").write_text('{"pooling_mode_max_tokens": true}')
        with pytest.raises(ConfigError, match=r"pools its tokens by 'pooling_mode_max_tokens'.*'cls' and 'mean'"):
            text_tower(folder)

    def test_roberta_counts_its_positions_from_its_padding(self, copied: Callable[[str], Path]) -> None:
        from transformers import RobertaConfig, RobertaModel

        folder = copied(repositories.BIOMEDBERT)
        small = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
        form = RobertaConfig(vocab_size=30, max_position_embeddings=18, pad_token_id=1, **small)
        RobertaModel(form).save_pretrained(folder)
        (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
        tower = text_tower(folder)
        assert tower.tokenize(["mass " * 50])["input_ids"].shape == (1, 16)
        assert torch.isfinite(features(tower, ["mass " * 50])).all()

    def test_from_nothing(self, hub_root: Path) -> None:
        config = TowerConfig(family="bert", name=f"local-dir:{hub_root / repositories.BIOBERT}", pretrained="random")
        torch.manual_seed(1)
        one = bert.load(config)
        torch.manual_seed(2)
        assert torch.equal(features(one, TEXTS), features(bert.load(config), TEXTS))
        assert not close(features(one, TEXTS), features(text_tower(hub_root / repositories.BIOBERT), TEXTS))


class TestCxrBert:
    def test_its_projection_of_the_cls(self, hub_root: Path) -> None:
        folder = hub_root / repositories.CXR_BERT
        tower = text_tower(folder)
        stored = torch.load(folder / "pytorch_model.bin", weights_only=True)
        model = BertForMaskedLM.from_pretrained(folder, output_hidden_states=True).eval()
        head = ProjectionHead(32, 16)
        name = "cls_projection_head."
        head.load_state_dict({key.removeprefix(name): one for key, one in stored.items() if key.startswith(name)})
        tokens = BertTokenizer.from_pretrained(folder)(TEXTS, padding=True, return_tensors="pt")
        with torch.no_grad():
            wanted = head(model(**tokens).hidden_states[-1][:, 0])
        assert close(features(tower, TEXTS), wanted) and tower.width == 16
        assert not (folder / "ran").exists()  # the code that the repository names

    def test_the_projection_by_hand(self) -> None:
        """Linear to (1, 3), GELU, to -1 and 1 by the norm, linear: 2 * -1 + 1 and 1 * 1 + 1 with this layer."""
        head = ProjectionHead(1, 2)
        with torch.no_grad():
            for parameter, values in zip(head.parameters(), ([1.0, 3.0], 0, 1, 0, [2.0, 0, 0, 1], 1), strict=True):
                parameter.copy_(torch.tensor(values).expand(parameter.numel()).view_as(parameter))
            assert torch.allclose(head(torch.ones(1, 1)), torch.tensor([[-1.0, 2.0]]), atol=1e-5)

    def test_without_a_projection(self, tmp_path: Path) -> None:
        repositories.cxr_bert(tmp_path / "plain", head=False)
        tower = text_tower(tmp_path / "plain")
        assert tower.width == 32 and tower.projection is None


@pytest.mark.parametrize("name", [repositories.BIOBERT, repositories.CXR_BERT])
@pytest.mark.parametrize(
    "damage", ["no weights", "other weights", "half", "a pickle", "torn", "no tokenizer", "no config"]
)
def test_a_text_encoder_that_does_not_load(copied: Callable[[str], Path], name: str, damage: str) -> None:
    folder = copied(name)
    weights = folder / "pytorch_model.bin"
    if damage == "a pickle":
        repositories.poison(folder)
    elif damage == "torn":
        weights.write_bytes(weights.read_bytes()[:3000])
    elif damage in ("other weights", "half"):
        stored = torch.load(weights, weights_only=True)
        torch.save({key: one for key, one in stored.items() if "layer.1" not in key and damage == "half"}, weights)
    else:
        gone = {"no weights": weights.name, "no tokenizer": "vocab.txt", "no config": "config.json"}[damage]
        (folder / gone).unlink()
    with pytest.raises(WeightsMissing, match=f"folder {folder.name} does not load as a text encoder") as error:
        text_tower(folder)
    assert "vocab.txt or tokenizer.json" in str(error.value) and not (folder / "ran").exists()


def test_no_model_of_that_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "nothing-like-it"}))
    with pytest.raises(WeightsMissing, match="does not load as a text encoder"):
        text_tower(tmp_path)
