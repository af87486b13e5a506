"""What the tests of the building blocks share."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from wenlu.nn import Mask, Places


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(20_100_402)


class Table(Mask):
    """A mask that is written down."""

    def __init__(self, allowed: Tensor) -> None:
        self.allowed = allowed

    def dense(self, places: Places) -> Tensor:
        del places
        return self.allowed


@pytest.fixture(scope="session")
def table() -> Callable[[Tensor], Mask]:
    """A mask from a (b 1 q k) tensor: a variant that the package does not know."""
    return Table


@pytest.fixture(scope="session")
def randomised() -> Callable[[nn.Module], nn.Module]:
    """Make every weight random, biases and norms too, in float64, and stop training."""

    def randomise(module: nn.Module) -> nn.Module:
        with torch.no_grad():
            for parameter in module.double().parameters():
                centre = parameter.mean().round() if parameter.ndim == 1 else 0.0
                parameter.normal_().mul_(0.3).add_(centre)
        return module.eval()

    return randomise
