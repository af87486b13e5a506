"""Activations, and the table that names them in configurations.

Source: "How the two elementary-function approximations of GELU came about".
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from wenlu.nn.parts import Table

Activation = Callable[[Tensor], Tensor]


class ActivationPart(ABC):
    """What stands between the two matrices of the feed-forward half."""

    @abstractmethod
    def build(self) -> Activation:
        """The function, or a module if it has weights."""


@dataclass(frozen=True, slots=True)
class GELU(ActivationPart):
    """x·Φ(x) (BERT)."""

    def build(self) -> Activation:
        return F.gelu


@dataclass(frozen=True, slots=True)
class GELUTanh(ActivationPart):
    """GELU by its tanh approximation, as GPT-2 and ALBERT were trained with."""

    def build(self) -> Activation:
        return gelu_tanh


@dataclass(frozen=True, slots=True)
class ReLU(ActivationPart):
    """max(x, 0)."""

    def build(self) -> Activation:
        return F.relu


@dataclass(frozen=True, slots=True)
class SquaredReLU(ActivationPart):
    """The square of ReLU (Primer)."""

    def build(self) -> Activation:
        return squared_relu


@dataclass(frozen=True, slots=True)
class SiLU(ActivationPart):
    """x·sigmoid(x), also called Swish."""

    def build(self) -> Activation:
        return F.silu


@dataclass(frozen=True, slots=True)
class Tanh(ActivationPart):
    """The hyperbolic tangent."""

    def build(self) -> Activation:
        return F.tanh


def gelu_tanh(x: Tensor) -> Tensor:
    """GELU by its tanh approximation."""
    return F.gelu(x, approximate="tanh")


def squared_relu(x: Tensor) -> Tensor:
    """The square of ReLU."""
    return F.relu(x).square()


ACTIVATIONS: Table[ActivationPart] = Table(
    "activation",
    ActivationPart,
    {
        "gelu": (GELU, "x·Φ(x), as in BERT"),
        "gelu_tanh": (GELUTanh, "GELU by its tanh approximation, as in GPT-2 and ALBERT"),
        "relu": (ReLU, "max(x, 0)"),
        "squared_relu": (SquaredReLU, "the square of ReLU (Primer)"),
        "silu": (SiLU, "x·sigmoid(x), also called Swish"),
        "tanh": (Tanh, "the hyperbolic tangent"),
    },
)
