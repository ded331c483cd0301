"""CXR-BERT's form: a BERT and the projection of its [CLS] into the space that it shared with an image tower.

After Boecking et al., "Making the Most of Text Semantics to Improve Biomedical Vision-Language Processing" (ECCV 2022),
with the names of parameters that Microsoft's checkpoints use (CXR-BERT-specialized; the text half of BioViL-T).
Imports transformers; import it inside the function that needs it.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn
from transformers import BertConfig, BertModel, BertPreTrainedModel

HEAD = "cls_projection_head"


class ProjectionHead(nn.Module):
    """Linear, GELU, layer norm, linear: (n, hidden) -> (n, projection)."""

    def __init__(self, hidden: int, projection: int) -> None:
        super().__init__()
        self.dense_to_hidden = nn.Linear(hidden, projection)
        self.LayerNorm = nn.LayerNorm(projection, eps=1e-12)
        self.dense_to_output = nn.Linear(projection, projection)

    def forward(self, states: Tensor) -> Tensor:
        found: Tensor = self.dense_to_output(self.LayerNorm(F.gelu(self.dense_to_hidden(states))))
        return found


class CxrBert(BertPreTrainedModel):
    """Reads a whole checkpoint; what it predicts masked words with is left out."""

    config_class = BertConfig

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config)
        self.bert = BertModel(config, add_pooling_layer=False)
        self.cls_projection_head = ProjectionHead(config.hidden_size, getattr(config, "projection_size", 128))
        self.post_init()
