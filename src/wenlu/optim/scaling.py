"""What happens to the learning rate when an update takes in more samples."""

import math
from collections.abc import Callable

from wenlu.errors import ConfigError, closest

LR_SCALES: dict[str, Callable[[int], float]] = {
    "none": lambda accumulate: 1.0,  # noqa: ARG005
    "sqrt": lambda accumulate: math.sqrt(accumulate),
    "linear": lambda accumulate: float(accumulate),
}


def lr_scale(rule: str, accumulate: int) -> float:
    """By how much to multiply the learning rate with `accumulate` micro-batches to an update.

    "linear" keeps what SGD moves per sample as it is ("Accurate, Large Minibatch SGD", 2017);
    "sqrt" is the rule for Adam and its like, whose steps are as long however small the gradient.
    """
    if rule not in LR_SCALES:
        near = closest(rule, LR_SCALES)
        raise ConfigError(f"no rule {rule!r} to scale the learning rate; there are {near}")
    return LR_SCALES[rule](accumulate)
