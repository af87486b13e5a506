"""Optimizers by name, for the command line and saved settings."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from torch.optim import AdamW
from torch.optim.optimizer import Optimizer, ParamsT

from wenlu.errors import ConfigError, closest
from wenlu.optim.accumulating_adam import AccumulatingAdam
from wenlu.optim.accumulating_sgd import AccumulatingSGD
from wenlu.optim.adafactor import AdaFactor


class OptimizerChoice(NamedTuple):
    """An optimizer to choose by name."""

    about: str
    """A sentence for `--help`."""
    make: Callable[..., Optimizer]
    accumulates: bool = False
    """Whether it takes `accumulate`."""


OPTIMIZERS: dict[str, OptimizerChoice] = {
    "adamw": OptimizerChoice("AdamW.", partial(AdamW, fused=True)),
    "sgdm": OptimizerChoice("SGD with momentum.", AccumulatingSGD),
    "adafactor": OptimizerChoice(
        "AdaFactor with momentum; the learning rate is relative to the size of a parameter.",
        AdaFactor,
    ),
    "accumulating-adam": OptimizerChoice(
        "AdamW that takes up micro-batches in its averages; a larger rate may be needed.",
        AccumulatingAdam,
        accumulates=True,
    ),
    "accumulating-adam-beta": OptimizerChoice(
        "AdamW with slower averages that moves once in several micro-batches.",
        partial(AccumulatingAdam, averaging="spread"),
        accumulates=True,
    ),
    "accumulating-sgdm": OptimizerChoice(
        "SGD that takes up micro-batches in its momentum, exactly.",
        AccumulatingSGD,
        accumulates=True,
    ),
}


def make_optimizer(name: str, groups: ParamsT, *, accumulate: int = 1, **options: Any) -> Optimizer:  # noqa: ANN401
    """The optimizer called `name`.

    Args:
        name: a name in `OPTIMIZERS`.
        groups: parameters, or groups of them as from `parameter_groups`. What a group says of
            learning rate and weight decay holds; in all of these, weight decay is decoupled.
        accumulate: calls of `step` until the weights move. More than 1 is for the optimizers that
            accumulate on their own; with others, add up gradients before `step`.
        options: further arguments of the optimizer, such as `lr` and `betas`.
    """
    if name not in OPTIMIZERS:
        raise ConfigError(f"no optimizer {name!r}; there are {closest(name, OPTIMIZERS)}")
    choice = OPTIMIZERS[name]
    if choice.accumulates:
        return choice.make(groups, accumulate=accumulate, **options)
    if accumulate != 1:
        can = ", ".join(key for key, other in OPTIMIZERS.items() if other.accumulates)
        raise ConfigError(
            f"{name} moves on each step, so accumulate={accumulate} is not for it; add up "
            f"gradients before the step, or choose one of {can}"
        )
    return choice.make(groups, **options)
