"""Configurations as plain dicts: the fields of `TransformerConfig`, without importing it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wenlu.errors import CheckpointError, closest

REQUIRED = ("vocabulary", "width", "layers", "heads", "inner_width")
"""Fields that every configuration states."""

MOST_LAYERS = 10_000
"""A bound that keeps a damaged configuration from filling the memory with names."""

DEFAULTS: dict[str, Any] = {
    "family": "bert",
    "head_size": None,
    "key_size": None,
    "max_length": 512,
    "segments": 2,
    "embedding_width": None,
    "share_layers": False,
    "position": "learned",
    "rotary_base": 10_000.0,
    "causal": False,
    "norm": "post",
    "embedding_norm": True,
    "final_norm": False,
    "norm_epsilon": 1e-12,
    "activation": "gelu",
    "dropout": 0.1,
    "attention_dropout": 0.1,
    "initial_std": 0.02,
}
"""The other fields and what they are when left out; a test holds them to `TransformerConfig`."""

FAMILIES: dict[str, dict[str, Any]] = {
    "bert": {},
    "roformer": {"position": "rotary"},
    "nezha": {"position": "relative"},
    "albert": {"share_layers": True},
    "gpt2": {
        "segments": 0,
        "causal": True,
        "norm": "pre",
        "embedding_norm": False,
        "final_norm": True,
    },
}
"""Where each family differs from the defaults."""


def complete(config: Mapping[str, Any], source: str | Path) -> dict[str, Any]:
    """The configuration with its defaults filled in; unknown or missing fields are errors."""
    known = [*REQUIRED, *DEFAULTS]
    for name in config:
        if name not in known:
            raise CheckpointError(
                f"{source}: no configuration field {name!r}; "
                f"the closest are {closest(name, known)}."
            )
    missing = [name for name in REQUIRED if name not in config]
    if missing:
        raise CheckpointError(f"{source}: the configuration lacks {', '.join(missing)}.")
    full = {**DEFAULTS, **config}
    for name in REQUIRED:
        if not isinstance(full[name], int) or isinstance(full[name], bool) or full[name] < 1:
            raise CheckpointError(
                f"{source}: {name} is {full[name]!r}; it must be a whole number, at least 1."
            )
    if full["layers"] > MOST_LAYERS:
        raise CheckpointError(
            f"{source}: layers is {full['layers']}; a model has {MOST_LAYERS} at most."
        )
    if full["head_size"] is None and full["width"] % full["heads"]:
        raise CheckpointError(
            f"{source}: width {full['width']} cannot be shared evenly among {full['heads']} heads."
        )
    return full


def value_size(config: Mapping[str, Any]) -> int:
    """Width of a head's values."""
    return config["head_size"] or config["width"] // config["heads"]


def query_size(config: Mapping[str, Any]) -> int:
    """Width of a head's queries and keys."""
    return config["key_size"] or value_size(config)


def own_blocks(config: Mapping[str, Any]) -> int:
    """Blocks with weights of their own: one where all layers share theirs."""
    return 1 if config["share_layers"] else config["layers"]


def frequencies(config: Mapping[str, Any]) -> Tensor:
    """The rotary frequencies that a model of this configuration starts with."""
    size = query_size(config)
    exponent = torch.arange(0, size, 2, dtype=torch.float64) / size
    return (config["rotary_base"] ** -exponent).float()


def frequency_names(config: Mapping[str, Any]) -> list[str]:
    """Where those frequencies are kept."""
    if config["position"] != "rotary":
        return []
    return [
        f"encoder.blocks.{block}.attention.position.frequencies"
        for block in range(own_blocks(config))
    ]


def to_flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """These fields from those of `TransformerConfig.to_dict`, which names parts."""
    flat = dict(config)
    position, norm = flat["position"], flat["norm"]
    flat["rotary_base"] = DEFAULTS["rotary_base"]
    if isinstance(position, Mapping) and position["name"] == "rotary":
        flat |= {"position": "rotary", "rotary_base": position["base"]}
    flat["norm_epsilon"] = norm["epsilon"] if isinstance(norm, Mapping) else 1e-12
    flat["norm"] = str(flat.pop("block")).removesuffix("_norm")
    flat.pop("scores"), flat.pop("scale")
    return flat


def from_flat(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The other way."""
    config = dict(flat)
    base, epsilon = config.pop("rotary_base"), config.pop("norm_epsilon")
    config["block"] = f"{config['norm']}_norm"
    config["norm"] = {"name": "layer_norm", "epsilon": epsilon}
    if config["position"] == "rotary":
        config["position"] = {"name": "rotary", "base": base}
    return config
