"""Text encoders of transformers: BioBERT, PubMedBERT, CXR-BERT, any BERT, sentence transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from core.config.encoders import TowerConfig
from core.errors import ConfigError
from core.towers.base import TextTower, Tokens, pooled_mean
from core.towers.hub import missing, told_by
from core.towers.pretrained import complete, load_model, load_tokenizer, quiet, source

FILES = "config.json, model.safetensors (or pytorch_model.bin) and the tokenizer's files (vocab.txt or tokenizer.json)"
POOLER = ("pooler.",)
"""The layer on [CLS] that BERT learns to tell next sentences with: many checkpoints lack it, nothing here uses it."""


class BertText(TextTower):
    """The last layer's [CLS] or the mean over tokens; through the checkpoint's own projection where it has one."""

    def __init__(self, model: Any, projection: nn.Module | None, tokenizer: Any, by_mean: bool, most: int) -> None:
        super().__init__()
        self.model, self.projection, self.tokenizer = model, projection, tokenizer
        self.by_mean, self.most_tokens = by_mean, most
        self.width = self.measure()

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        found = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=self.most_tokens, return_tensors="pt"
        )
        return dict(found)

    def forward(self, tokens: Tokens) -> Tensor:
        states: Tensor = self.model(**tokens).last_hidden_state
        found = pooled_mean(states, tokens["attention_mask"]) if self.by_mean else states[:, 0]
        return self.projection(found) if self.projection is not None else found


def load(config: TowerConfig) -> BertText:
    """A text tower.

    Raises:
        WeightsMissing: no such model; not on this machine and no hub gives it; weights of another model.
        ConfigError: a sentence transformer that pools in a way of its own.
    """
    quiet(config)
    try:
        form = told_by(config.name, "config.json")
        model, projection = _cxr_bert(config) if form.get("model_type") == "cxr-bert" else (_bert(config), None)
        tokenizer = _tokenizer(config, form)
        most = _most_tokens(config, model.config, tokenizer)
        return BertText(model, projection, tokenizer, _by_mean(config), most)
    except ConfigError:
        raise
    except Exception as error:  # hub clients, config classes and readers of weights each raise their own
        raise missing(config.name, source(config), "a text encoder of transformers", FILES, error) from error


def _bert(config: TowerConfig) -> Any:
    from transformers import AutoModel

    model, absent = load_model(AutoModel, config)
    complete(absent, POOLER)
    if hasattr(model, "pooler"):
        model.pooler = None
    return model


def _cxr_bert(config: TowerConfig) -> tuple[Any, nn.Module | None]:
    from transformers import BertConfig

    from core.towers.cxr_bert import HEAD, CxrBert

    model, absent = load_model(CxrBert, config, config=BertConfig.from_pretrained(source(config)))
    complete(absent, (HEAD,))
    return model.bert, model.cls_projection_head if not absent else None


def _tokenizer(config: TowerConfig, form: dict[str, Any]) -> Any:
    """Its own; of BERT's kind where the repository brings code for one; cased where its vocabulary is.

    BioBERT's repository says nothing of capitals, and transformers then turns all letters to small ones, although its
    vocabulary and its training know both (github.com/dmis-lab/biobert-pytorch/issues/24).
    """
    from transformers import AutoTokenizer, BertTokenizer

    of = BertTokenizer if form.get("model_type") == "cxr-bert" else AutoTokenizer
    found = load_tokenizer(of, config)
    told = told_by(config.name, "tokenizer_config.json")
    special = set(found.all_special_tokens)
    cased = any(word != word.lower() for word in found.get_vocab() if word not in special)
    if form.get("model_type") == "bert" and cased and "do_lower_case" not in told:
        found = load_tokenizer(of, config, do_lower_case=False)
    return found


def _by_mean(config: TowerConfig) -> bool:
    """Sentence transformers say how they pool; of other models the [CLS] is taken."""
    told = told_by(config.name, "1_Pooling/config.json")
    mode = told.get("pooling_mode") or next(
        (name for name, on in told.items() if name.startswith("pooling_mode_") and on is True), "cls"
    )
    known = {"cls": False, "pooling_mode_cls_token": False, "mean": True, "pooling_mode_mean_tokens": True}
    if mode not in known:
        raise ConfigError(f"{config.name!r} pools its tokens by {mode!r}; Fluoroscope knows 'cls' and 'mean'.")
    return known[mode]


def _most_tokens(config: TowerConfig, form: Any, tokenizer: Any) -> int:
    """What the model has positions for, and what it was trained on."""
    positions = int(form.max_position_embeddings)
    if "roberta" in form.model_type or form.model_type in ("camembert", "mpnet"):
        positions -= int(form.pad_token_id) + 1  # they count positions from the one after their padding
    trained = told_by(config.name, "sentence_bert_config.json").get("max_seq_length")
    return min(positions, int(tokenizer.model_max_length), int(trained or positions))
