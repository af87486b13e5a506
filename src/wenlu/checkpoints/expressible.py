"""Whether Hugging Face's layout of a family can hold a model."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from wenlu.checkpoints.configs import ACTIVATIONS
from wenlu.checkpoints.fields import (
    DEFAULTS,
    FAMILIES,
    complete,
    frequencies,
    frequency_names,
    query_size,
    value_size,
)

_SHAPES = ("position", "share_layers", "causal", "norm", "embedding_norm", "final_norm")


def expressible(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str | None:
    """None if Hugging Face's layout of the model's family can hold it, else why it cannot.

    Args:
        config: the fields of `TransformerConfig`.
        tensors: the state dict.
    """
    full = complete(config, "the model")
    family = full["family"]
    if family == "nezha":
        return "transformers has had no NEZHA since version 5"
    if family not in FAMILIES:
        return f"Hugging Face has no family {family!r} (it can be {', '.join(FAMILIES)})"
    usual = {**DEFAULTS, **FAMILIES[family]}
    for field in _SHAPES:
        if full[field] != usual[field]:
            return f"{field} is {full[field]!r}; a {family} model there has {usual[field]!r}"
    if value_size(full) * full["heads"] != full["width"] or query_size(full) != value_size(full):
        return (
            f"heads have size {value_size(full)} and keys {query_size(full)}; there both are "
            f"width/heads, {full['width']}/{full['heads']}"
        )
    if full["activation"] not in ACTIVATIONS.values():
        return f"it has no activation {full['activation']!r}"
    if (full["segments"] == 0) != (family == "gpt2"):
        return f"segments is {full['segments']}; a {family} model there has " + (
            "none" if family == "gpt2" else "one or more"
        )
    return _embeddings(full) or _rotary(full, tensors)


def _embeddings(full: Mapping[str, Any]) -> str | None:
    narrow, family = full["embedding_width"], full["family"]
    if family == "albert" and narrow is None:
        return "its embeddings are not projected; ALBERT's always are"
    if family == "roformer" and narrow == full["width"]:
        return "its embeddings are projected to their own width; there they would not be"
    if family not in ("albert", "roformer") and narrow is not None:
        return f"its embeddings are projected; in a {family} model there they are not"
    return None


def _rotary(full: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str | None:
    usual = frequencies({**full, "rotary_base": DEFAULTS["rotary_base"]})
    for name in frequency_names(full):
        stored = tensors.get(name, frequencies(full))
        if stored.shape != usual.shape or not torch.equal(stored.float().cpu(), usual):
            return f"{name} differs from the frequencies of base 10000, which it always has there"
    return None
