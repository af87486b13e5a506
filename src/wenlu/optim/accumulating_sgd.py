"""Stochastic gradient descent with momentum that accumulates gradients in the momentum."""

from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from wenlu.optim.accumulating import Accumulating
from wenlu.optim.averaging import Averaging, moving_average
from wenlu.optim.checks import check_decay
from wenlu.optim.chunks import gradients


class AccumulatingSGD(Accumulating):
    """SGD with momentum over groups of micro-batches, without a second buffer for their sum.

    With β = `momentum`, k = `accumulate`, micro-steps t = 1, 2, ... and g_t the gradient at
    parameters that stay the same within a group:

        m_t = (β if k divides t-1, else 1)·m_(t-1) + (1-β)/k·g_t
        θ_t = θ_(t-1) - (lr if k divides t, else 0)·m_t

    which is m <- β·m + (1-β)·(mean of the group), θ <- θ - lr·m, exactly. `torch.optim.SGD` leaves
    out the factor 1-β: it does the same at (1-β) times the learning rate given here. Weight decay
    is decoupled, as in AdamW: θ <- θ - lr·weight_decay·θ, once an update.

    Source: "Gradient accumulation hidden in momentum" (2021-08-24). How to call it, what a missing
    gradient means, and where to clip: see `Accumulating`.

    Args:
        params: as for any `torch.optim` optimizer.
        lr: learning rate.
        momentum: how much of the average one update leaves, β.
        weight_decay: share of a parameter that goes away with a learning rate of 1.
        accumulate: micro-steps to an update, k.
        averaging: when the momentum decays; see `wenlu.optim.averaging`. Only "once" is exact.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        *,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        accumulate: int = 1,
        averaging: Averaging = "once",
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "weight_decay": weight_decay,
                "accumulate": accumulate,
                "averaging": averaging,
            },
        )

    def _check(self, group: dict[str, Any]) -> None:
        super()._check(group)
        check_decay("momentum", group["momentum"])

    def _averages(self, parameter: Tensor) -> dict[str, Tensor]:
        return {"momentum_buffer": torch.zeros_like(parameter)}

    def _gather(
        self, group: dict[str, Any], chunk: list[Tensor], before: int, after: int, *, given: bool
    ) -> None:
        average = moving_average(group["averaging"], group["momentum"], self.accumulate)
        means = self._means(chunk)
        if (keep := average.keep(before, after)) != 1.0:
            torch._foreach_mul_(means, keep)
        if given:
            torch._foreach_add_(means, gradients(chunk), alpha=average.weight)

    def _move(self, group: dict[str, Any], chunk: list[Tensor], steps: int) -> None:
        del steps
        if decay := group["lr"] * group["weight_decay"]:
            torch._foreach_mul_(chunk, 1.0 - decay)
        torch._foreach_add_(chunk, self._means(chunk), alpha=-group["lr"])

    def _means(self, chunk: list[Tensor]) -> list[Tensor]:
        return [self.state[parameter]["momentum_buffer"] for parameter in chunk]
