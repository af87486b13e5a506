"""Whether Hugging Face's layout of a family can hold a model."""

from collections.abc import Mapping
from dataclasses import fields, replace

import torch
from torch import Tensor

from wenlu.checkpoints.configs import ACTIVATIONS, FAMILIES
from wenlu.checkpoints.skeleton import skeleton
from wenlu.nn import LayerNorm, TransformerConfig

_USUAL = (
    "position",
    "scores",
    "scale",
    "share_layers",
    "causal",
    "block",
    "embedding_norm",
    "final_norm",
)
"""Fields that a family settles. Rotary frequencies are compared as they are."""


def expressible(config: TransformerConfig, tensors: Mapping[str, Tensor]) -> str | None:
    """None if Hugging Face's layout of the model's family can hold it, else why it cannot.

    Args:
        config: the encoder's.
        tensors: the state dict.
    """
    family = config.family
    if family == "nezha":
        return "transformers has had no NEZHA since version 5"
    if family not in FAMILIES:
        return f"Hugging Face has no family {family!r} (it can be {', '.join(FAMILIES)})"
    usual = {own.name: own.default for own in fields(TransformerConfig)} | FAMILIES[family]
    for field in _USUAL:
        found = getattr(config, field)
        if found != usual[field] and (field != "position" or type(found) is not type(usual[field])):
            return f"{field} is {found!r}; a {family} model there has {usual[field]!r}"
    if type(config.norm) is not LayerNorm:
        return f"its norm is {config.norm!r}; there it is LayerNorm()"
    value, query = config.value_size, config.query_size
    if value * config.heads != config.width or query != value:
        return (
            f"heads have size {value} and keys {query}; there both are "
            f"width/heads, {config.width}/{config.heads}"
        )
    if config.activation not in ACTIVATIONS.values():
        return f"it has no activation {config.activation!r}"
    if (config.segments == 0) != (family == "gpt2"):
        return f"segments is {config.segments}; a {family} model there has " + (
            "none" if family == "gpt2" else "one or more"
        )
    return _embeddings(config) or _constants(config, tensors)


def _embeddings(config: TransformerConfig) -> str | None:
    narrow, family = config.embedding_width, config.family
    if family == "albert" and narrow is None:
        return "its embeddings are not projected; ALBERT's always are"
    if family == "roformer" and narrow == config.width:
        return "its embeddings are projected to their own width; there they would not be"
    if family not in ("albert", "roformer") and narrow is not None:
        return f"its embeddings are projected; in a {family} model there they are not"
    return None


def _constants(config: TransformerConfig, tensors: Mapping[str, Tensor]) -> str | None:
    """What is not stored there but worked out must be what the tensors hold."""
    usual = replace(config, **FAMILIES[config.family])
    own = skeleton(config).constants
    for name, constant in skeleton(usual).constants.items():
        stored = tensors.get(name, own[name])
        if stored.shape != constant.shape or not torch.equal(stored.float().cpu(), constant):
            return f"{name} differs from the frequencies of base 10000, which it always has there"
    return None
