"""Norms, and the table that names them in configurations."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import nn

from wenlu.errors import ConfigError
from wenlu.nn.parts import Table


class NormPart(ABC):
    """A norm of the states."""

    @abstractmethod
    def build(self, width: int) -> nn.Module:
        """The module for states of that width."""


@dataclass(frozen=True, slots=True)
class LayerNorm(NormPart):
    """To mean 0 and variance 1, then a learned gain and bias (paper "Layer Normalization")."""

    epsilon: float = 1e-12
    """Added to the variance."""

    def __post_init__(self) -> None:
        if self.epsilon < 0:
            raise ConfigError(f"epsilon of the norm must be at least 0; got {self.epsilon}")

    def build(self, width: int) -> nn.LayerNorm:
        return nn.LayerNorm(width, eps=self.epsilon)


NORMS: Table[NormPart] = Table(
    "norm", NormPart, {"layer_norm": (LayerNorm, "mean 0 and variance 1, learned gain and bias")}
)
