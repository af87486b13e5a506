"""Activations, and the table that names them in configurations.

Source: "How the two elementary-function approximations of GELU came about".
"""

from collections.abc import Callable

import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from wenlu.errors import ConfigError, closest

Activation = Callable[[Tensor], Tensor]


def gelu_tanh(x: Tensor) -> Tensor:
    """GELU by its tanh approximation, as GPT-2 and ALBERT were trained with."""
    return F.gelu(x, approximate="tanh")


def squared_relu(x: Tensor) -> Tensor:
    """The square of ReLU (Primer)."""
    return F.relu(x).square()


ACTIVATIONS: dict[str, Activation] = {
    "gelu": F.gelu,
    "gelu_tanh": gelu_tanh,
    "relu": F.relu,
    "squared_relu": squared_relu,
    "silu": F.silu,
    "tanh": F.tanh,
}


def activation(name: str) -> Activation:
    """The activation of that name."""
    if name not in ACTIVATIONS:
        raise ConfigError(f"no activation {name!r}; the closest are {closest(name, ACTIVATIONS)}")
    return ACTIVATIONS[name]
