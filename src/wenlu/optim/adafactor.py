"""AdaFactor as baselines for CLUE use it: steps relative to the size of a parameter."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer, ParamsT

from wenlu.errors import ConfigError
from wenlu.optim.checks import check_decay, check_gradient, check_rates
from wenlu.optim.chunks import chunks, gradients

_TINY = 1e-30
_SMALLEST_SCALE = 1e-3


class AdaFactor(Optimizer):
    """AdaFactor with momentum, with or without factored second moments.

    For each parameter, on its update t = 1, 2, ..., with rms(x) = √(mean of x²):

        v <- β₂·v + (1-β₂)·g², β₂ = 1 - t**-decay
        u = g / √(v + 1e-30)
        u <- u / max(1, rms(u) / clip)
        m <- β₁·m + (1-β₁)·u
        θ <- θ - lr·max(rms(θ), 1e-3)·m

    m starts at zero and is not corrected for it: the first updates are small. Weight decay is
    decoupled, θ <- θ - lr·weight_decay·θ.

    With `factor_from`, where the two longest axes of a parameter both have that many entries, only
    the means of g² over the one and over the other are kept, and v is their outer product divided
    by its mean: the memory of a row and a column for that of a matrix.

    "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost" (2018). `torch.optim.Adafactor`
    has no momentum, always factors, and lets the step fall with 1/√t; that of transformers always
    factors matrices, and its momentum averages steps that are already multiplied by lr·rms(θ).

    Args:
        params: as for any `torch.optim` optimizer.
        lr: learning rate, relative to the size of a parameter.
        beta: how much of the momentum one update leaves, β₁; 0 for none.
        clip: largest root mean square of an update, in units of lr·rms(θ).
        decay: how fast β₂ comes close to 1.
        weight_decay: share of a parameter that goes away with a learning rate of 1.
        factor_from: from what length of its two longest axes on a parameter is factored; None
            for never.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 5e-4,
        *,
        beta: float = 0.9,
        clip: float = 1.0,
        decay: float = 0.8,
        weight_decay: float = 0.0,
        factor_from: int | None = None,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "beta": beta,
                "clip": clip,
                "decay": decay,
                "weight_decay": weight_decay,
                "factor_from": factor_from,
            },
        )

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        try:
            _check(self.param_groups[-1])
        except ConfigError:
            del self.param_groups[-1]
            raise

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Move the parameters."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        work = [(group, self._alike(group)) for group in self.param_groups]
        for group, alike in work:
            for (step, factored), parameters in alike.items():
                for chunk in chunks(parameters):
                    self._move(group, chunk, step + 1, factored=factored)
        return loss

    def _alike(self, group: dict[str, Any]) -> dict[tuple[int, bool], list[Tensor]]:
        """Parameters with a gradient, by the updates they have had and whether they factor."""
        alike: dict[tuple[int, bool], list[Tensor]] = {}
        for parameter in group["params"]:
            if parameter.grad is None:
                continue
            check_gradient(parameter.grad, self)
            if not self.state[parameter]:
                self.state[parameter] = _averages(parameter, group)
            state = self.state[parameter]
            key = int(state["step"]), "exp_avg_sq" not in state
            alike.setdefault(key, []).append(parameter)
        return alike

    def _move(
        self, group: dict[str, Any], chunk: list[Tensor], step: int, *, factored: bool
    ) -> None:
        states = [self.state[parameter] for parameter in chunk]
        given = gradients(chunk)
        weight = step ** -group["decay"]  # 1 - β₂
        if factored:
            pairs = zip(given, states, strict=True)
            updates = [_factored(gradient, state, weight) for gradient, state in pairs]
        else:
            squares = [state["exp_avg_sq"] for state in states]
            torch._foreach_mul_(squares, 1.0 - weight)
            torch._foreach_addcmul_(squares, given, given, value=weight)
            updates = list(torch._foreach_add(squares, _TINY))
        torch._foreach_sqrt_(updates)
        torch._foreach_reciprocal_(updates)
        torch._foreach_mul_(updates, given)  # u = g / √v
        excess = (_rms(updates) / group["clip"]).clamp(min=1.0)
        torch._foreach_div_(updates, list(excess.unbind()))
        if group["beta"]:
            means = [state["exp_avg"] for state in states]
            torch._foreach_lerp_(means, updates, 1.0 - group["beta"])
            updates = means
        scales = _rms(chunk).clamp(min=_SMALLEST_SCALE) * -group["lr"]
        if decay := group["lr"] * group["weight_decay"]:
            torch._foreach_mul_(chunk, 1.0 - decay)
        torch._foreach_add_(chunk, torch._foreach_mul(updates, list(scales.unbind())))
        for state in states:
            state["step"].fill_(step)


def _check(group: dict[str, Any]) -> None:
    check_rates(group)
    check_decay("beta", group["beta"])
    if group["clip"] <= 0 or group["decay"] <= 0:
        raise ConfigError(
            f"clip and decay must be above 0; got clip={group['clip']}, decay={group['decay']}"
        )


def _averages(parameter: Tensor, group: dict[str, Any]) -> dict[str, Tensor]:
    """What is kept for a parameter, at the beginning."""
    state = {"step": torch.zeros((), dtype=torch.int32)}
    if group["beta"]:
        state["exp_avg"] = torch.zeros_like(parameter)
    shape, least = parameter.shape, group["factor_from"]
    if least is None or len(shape) < 2 or sorted(shape)[-2] < least:
        return {**state, "exp_avg_sq": torch.zeros_like(parameter)}
    longest, second = _axes(parameter)
    return {
        **state,
        "exp_avg_sq_row": parameter.new_zeros(_without(shape, longest)),
        "exp_avg_sq_col": parameter.new_zeros(_without(shape, second)),
    }


def _factored(gradient: Tensor, state: dict[str, Tensor], weight: float) -> Tensor:
    """V + 1e-30, where only means of g² over each of the two longest axes are kept."""
    longest, second = _axes(gradient)
    square = gradient.square()
    row, column = state["exp_avg_sq_row"], state["exp_avg_sq_col"]
    row.lerp_(square.mean(longest, keepdim=True), weight)
    column.lerp_(square.mean(second, keepdim=True), weight)
    share = row / (row.mean(second, keepdim=True) + _TINY)
    return torch.mul(share, column, out=square).add_(_TINY)


def _axes(tensor: Tensor) -> tuple[int, int]:
    """The longest axis and the second longest; of equal ones, the last is the longest."""
    order = sorted(range(tensor.ndim), key=lambda axis: (tensor.shape[axis], axis))
    return order[-1], order[-2]


def _without(shape: torch.Size, axis: int) -> list[int]:
    return [1 if place == axis else length for place, length in enumerate(shape)]


def _rms(tensors: list[Tensor]) -> Tensor:
    """Root mean square of each tensor."""
    norms = torch.stack(list(torch._foreach_norm(tensors)))
    return norms / norms.new_tensor([tensor.numel() ** 0.5 for tensor in tensors])
