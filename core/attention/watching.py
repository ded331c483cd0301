"""Attention computed in the open: the probabilities that torch's fused functions keep to themselves."""

from __future__ import annotations

import inspect
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

_FUSED = inspect.signature(
    lambda query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, *, scale=None, enable_gqa=False: None
)
_MANY_HEADS = inspect.signature(F.multi_head_attention_forward)


class Watched(TorchFunctionMode):
    """Within it, self-attention without a mask is softmax and two products, and its probabilities are kept.

    What transformers and timm call is ``scaled_dot_product_attention``, what ``nn.MultiheadAttention`` (open_clip)
    calls is ``multi_head_attention_forward``. All other functions, and attention with a mask, go their way.

    Attributes:
        attention: (b, heads, n, n) of each layer, in the order of use; gradients can be taken by them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.attention: list[Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is F.scaled_dot_product_attention:
            given = _FUSED.bind(*args, **kwargs)
            given.apply_defaults()
            found: Any = self._fused(**given.arguments)
        elif func is F.multi_head_attention_forward:
            given = _MANY_HEADS.bind(*args, **kwargs)
            given.apply_defaults()
            found = self._many_heads(given.arguments)
        else:
            found = None
        return func(*args, **kwargs) if found is None else found

    def _fused(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None,
        dropout_p: float,
        is_causal: bool,
        scale: float | None,
        enable_gqa: bool,
    ) -> Tensor | None:
        """(b, heads, n, d) each."""
        if attn_mask is not None or dropout_p or is_causal or enable_gqa or query.shape != key.shape:
            return None
        probabilities = self._kept(query, key, 1 / math.sqrt(query.shape[-1]) if scale is None else scale)
        return probabilities @ value

    def _many_heads(self, given: dict[str, Any]) -> tuple[Tensor, None] | None:
        """What :func:`torch.nn.functional.multi_head_attention_forward` gives, of (n, b, width) each."""
        query, key, value = given["query"], given["key"], given["value"]
        plain = query is key and key is value and query.ndim == 3 and not given["use_separate_proj_weight"]
        extra = ("attn_mask", "key_padding_mask", "bias_k", "bias_v")
        if not plain or any(given[name] is not None for name in extra) or given["add_zero_attn"] or given["training"]:
            return None
        length, batch, width = query.shape
        joint = F.linear(query, given["in_proj_weight"], given["in_proj_bias"])
        parts = [one.reshape(length, batch, given["num_heads"], -1).permute(1, 2, 0, 3) for one in joint.chunk(3, -1)]
        found = self._kept(parts[0], parts[1], 1 / math.sqrt(parts[0].shape[-1])) @ parts[2]
        joined = found.permute(2, 0, 1, 3).reshape(length, batch, width)
        return F.linear(joined, given["out_proj_weight"], given["out_proj_bias"]), None

    def _kept(self, query: Tensor, key: Tensor, scale: float) -> Tensor:
        found = torch.softmax(query @ key.transpose(-2, -1) * scale, dim=-1)
        if not found.requires_grad:  # below the first layer nothing needs gradients
            found.requires_grad_()
        self.attention.append(found)
        return found
