"""The settings of embeddings that come from a file, and of the orthogonal module that is trained on them."""

from __future__ import annotations

from typing import Literal

from core.config.base import Config, config, setting


@config
class VectorImportConfig(Config):
    """Which file becomes which set of embeddings."""

    path: str = setting(help="the file: .npy, .npz, .safetensors, .csv, .tsv, .parquet, .pt or .pth", main=True)
    name: str = setting(help="of the new set: a-z, 0-9, '.', '-', '_'", main=True)
    labels: str = setting(
        default="",
        help="nih or chexpert (their findings in order), a text file with one label a line, or a JSON list; empty: "
        "the file names its vectors itself",
        main=True,
    )
    array: str = setting(default="", help="which array or tensor, where the file holds several")
    label_column: str = setting(default="", help="of a table: the column of labels; empty: the one that is no number")


@config
class OrthogonaliseConfig(Config):
    """The orthogonal module on the vectors of one set, with the orthogonal loss alone."""

    source: str = setting(help="the set whose vectors it starts from", main=True)
    name: str = setting(help="of the new set: a-z, 0-9, '.', '-', '_'", main=True)
    form: Literal["gram", "absolute", "cross-entropy"] = setting(
        default="gram",
        help="gram: mean squared cosine; absolute: mean |cosine|; cross-entropy ends at the simplex, cosine -1/(K-1)",
        main=True,
    )
    steps: int = setting(default=300, help="steps of AdamW, all vectors in each", low=1, high=100_000, main=True)
    seed: int = setting(default=0, help="of the module's first weights", low=0, high=2**31 - 1, main=True)
    learning_rate: float = setting(default=1e-3, help="peak learning rate", low=1e-8, high=10.0)
    scale: float = setting(default=10.0, help="inverse temperature of the cross-entropy form", low=0.01, high=1e3)
    width: int = setting(default=0, help="dimension of the output; 0: the input's own", low=0, high=4096)
    layers: int = setting(default=1, help="layers of the transformer", low=1, high=12)
    attention_heads: int = setting(default=4, help="attention heads of the transformer", low=1, high=64)
