"""Adam that accumulates gradients in its averages."""

from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from wenlu.errors import ConfigError
from wenlu.optim.accumulating import Accumulating
from wenlu.optim.averaging import Averaging, moving_average
from wenlu.optim.checks import check_decay
from wenlu.optim.chunks import gradients


class AccumulatingAdam(Accumulating):
    """AdamW over groups of micro-batches, without a third buffer for the sum of their gradients.

    With k = `accumulate`, micro-steps t = 1, 2, ... and g_t the gradient at parameters that stay
    the same within a group:

        m_t = (β₁ if k divides t-1, else 1)·m_(t-1) + (1-β₁)/k·g_t
        v_t = (β₂ if k divides t-1, else 1)·v_(t-1) + (1-β₂)/k·g_t²

    and when k divides t, θ <- θ - lr·m̂ / (√v̂ + ε), with m̂ = m_t / (1 - β₁**(t/k)) and
    v̂ = v_t / (1 - β₂**(t/k)); √(v̂ + ε) instead of √v̂ + ε with `epsilon_inside`. Weight decay is
    decoupled, θ <- θ - lr·weight_decay·θ, once an update.

    m is exactly that of AdamW on the mean of the group. v is not: it averages the squares of the
    micro-batches' gradients, not the square of their mean. Where gradients have mean μ and
    standard deviation σ, steps are shorter than AdamW's by √((μ²+σ²) / (μ²+σ²/k)), which is 1
    without noise and √k with nothing but noise: when coming from ordinary accumulation, raise
    the learning rate by up to √k. With k = 1 this is `torch.optim.AdamW`.

    Sources: "Gradient accumulation hidden in momentum" (2021-08-24), which has ε inside the root;
    "Adam: A Method for Stochastic Optimization" (2014); "Decoupled Weight Decay Regularization"
    (2017). How to call it, what a missing gradient means, and where to clip: see `Accumulating`.

    Args:
        params: as for any `torch.optim` optimizer.
        lr: learning rate.
        betas: how much of each average one update leaves, β₁ and β₂.
        eps: keeps steps small where gradients are tiny, ε.
        weight_decay: share of a parameter that goes away with a learning rate of 1.
        accumulate: micro-steps to an update, k.
        averaging: when the averages decay; see `wenlu.optim.averaging`. With "spread" and
            "unchanged" this is AdamW with other betas, or the same, that moves on each k-th step.
        epsilon_inside: whether ε is added to v̂ and not to its root.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        accumulate: int = 1,
        averaging: Averaging = "once",
        epsilon_inside: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "accumulate": accumulate,
                "averaging": averaging,
                "epsilon_inside": epsilon_inside,
            },
        )

    def _check(self, group: dict[str, Any]) -> None:
        super()._check(group)
        for number, beta in enumerate(group["betas"], 1):
            check_decay(f"beta {number}", beta)
        if group["eps"] < 0:
            raise ConfigError(f"eps cannot be negative; got {group['eps']}")

    def _averages(self, parameter: Tensor) -> dict[str, Tensor]:
        return {"exp_avg": torch.zeros_like(parameter), "exp_avg_sq": torch.zeros_like(parameter)}

    def _gather(
        self, group: dict[str, Any], chunk: list[Tensor], before: int, after: int, *, given: bool
    ) -> None:
        mean, square = (
            moving_average(group["averaging"], beta, self.accumulate) for beta in group["betas"]
        )
        means, squares = self._both(chunk)
        if (keep := mean.keep(before, after)) != 1.0:
            torch._foreach_mul_(means, keep)
        if (keep := square.keep(before, after)) != 1.0:
            torch._foreach_mul_(squares, keep)
        if given:
            found = gradients(chunk)
            torch._foreach_add_(means, found, alpha=mean.weight)
            torch._foreach_addcmul_(squares, found, found, value=square.weight)

    def _move(self, group: dict[str, Any], chunk: list[Tensor], steps: int) -> None:
        mean, square = (
            moving_average(group["averaging"], beta, self.accumulate).total(steps)
            for beta in group["betas"]
        )
        means, squares = self._both(chunk)
        if decay := group["lr"] * group["weight_decay"]:
            torch._foreach_mul_(chunk, 1.0 - decay)
        if group["epsilon_inside"]:
            roots = torch._foreach_div(squares, square)
            torch._foreach_add_(roots, group["eps"])
            torch._foreach_sqrt_(roots)
        else:
            roots = torch._foreach_sqrt(squares)
            torch._foreach_div_(roots, square**0.5)
            torch._foreach_add_(roots, group["eps"])
        torch._foreach_addcdiv_(chunk, means, roots, value=-group["lr"] / mean)

    def _both(self, chunk: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        states = [self.state[parameter] for parameter in chunk]
        return [state["exp_avg"] for state in states], [state["exp_avg_sq"] for state in states]
