"""What an optimizer is given: settings and gradients that it can do something with."""

from typing import Any

from torch import Tensor
from torch.optim.optimizer import Optimizer

from wenlu.errors import ConfigError


def check_rates(group: dict[str, Any]) -> None:
    """Raise ConfigError where learning rate or weight decay are negative."""
    if group["lr"] < 0 or group["weight_decay"] < 0:
        raise ConfigError(
            "learning rate and weight decay cannot be negative; got "
            f"lr={group['lr']}, weight_decay={group['weight_decay']}"
        )


def check_decay(name: str, value: float) -> None:
    """Raise ConfigError unless an average can decay by `value`."""
    if not 0 <= value < 1:
        raise ConfigError(f"{name} must be 0 or more and below 1; got {value}")


def check_gradient(gradient: Tensor, optimizer: Optimizer) -> None:
    """Raise ConfigError unless the gradient is a dense one of real numbers."""
    name = type(optimizer).__name__
    if gradient.is_sparse:
        raise ConfigError(
            f"{name} needs dense gradients and got a sparse one; make the embedding with "
            "sparse=False, or give its weights to torch.optim.SparseAdam"
        )
    if gradient.is_complex():
        raise ConfigError(f"{name} needs real gradients and got a complex one")
