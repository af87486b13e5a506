"""The mean of the weights over the last updates.

Paper: "Averaging Weights Leads to Wider Optima and Better Generalization".
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class WeightAverage:
    """A running mean.

    Args:
        module: whose weights are averaged.
    """

    def __init__(self, module: nn.Module) -> None:
        self.count = 0
        self.mean = {name: torch.zeros_like(p) for name, p in module.state_dict().items()}

    def add(self, module: nn.Module) -> None:
        """Take in the weights as they are now."""
        self.count += 1
        now = module.state_dict()
        torch._foreach_lerp_(
            list(self.mean.values()), [now[name] for name in self.mean], 1.0 / self.count
        )

    def tensors(self) -> dict[str, Tensor]:
        """What `load` takes."""
        return {**self.mean, "count": torch.tensor(self.count)}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `tensors` returned."""
        self.count = int(tensors["count"])
        for name, mean in self.mean.items():
            mean.copy_(tensors[name])
