"""Which parameters decay, and how fast each layer learns."""

import re
from typing import Any

from torch import nn

_BLOCK = re.compile(r"(?:^|\.)encoder\.blocks\.(\d+)\.")
_EMBEDDINGS = re.compile(r"(?:^|\.)encoder\.embeddings\.")


def parameter_groups(
    module: nn.Module,
    *,
    learning_rate: float,
    weight_decay: float,
    layer_decay: float = 1.0,
) -> list[dict[str, Any]]:
    """Groups for a `torch.optim` optimizer, in an order that depends on names only.

    Matrices decay; biases and norms do not. With `layer_decay` below 1 a layer learns slower the
    further it is from the head: the head at `learning_rate`, the last block at `layer_decay` times
    that, and so on down to the embeddings ("ULMFiT", "ELECTRA").
    """
    found = (_BLOCK.search(name) for name, _ in module.named_parameters())
    top = max((int(match[1]) for match in found if match), default=-1) + 2
    groups: dict[tuple[int, bool], dict[str, Any]] = {}
    for name, parameter in sorted(module.named_parameters()):  # names differ, so they decide
        if not parameter.requires_grad:
            continue
        depth = layer_depth(name, top)
        decays = parameter.ndim > 1
        group = groups.setdefault(
            (depth, decays) if layer_decay != 1.0 else (top, decays),
            {
                "params": [],
                "lr": learning_rate * layer_decay ** (top - depth),
                "weight_decay": weight_decay if decays else 0.0,
            },
        )
        group["params"].append(parameter)
    return [groups[key] for key in sorted(groups)]


def layer_depth(name: str, top: int) -> int:
    """0 for the embeddings, i + 1 for block i, `top` for what stands above the blocks."""
    if match := _BLOCK.search(name):
        return int(match[1]) + 1
    return 0 if _EMBEDDINGS.search(name) else top


def freeze(module: nn.Module, layers: int) -> None:
    """Stop the embeddings and the lowest `layers` - 1 blocks from learning; 0 freezes nothing."""
    for name, parameter in module.named_parameters():
        if layer_depth(name, layers) < layers:
            parameter.requires_grad_(False)
