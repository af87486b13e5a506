"""How the learning rate rises and falls, as a factor of the largest one."""

import math
from collections.abc import Callable

from wenlu.errors import ConfigError, closest

Schedule = Callable[[float, float], float]
"""Share of the training that is done, and share of it that a final decay takes -> factor.

Both are shares of what comes after warm-up, in [0, 1].
"""


def linear(done: float, decay: float) -> float:
    """Straight down to zero."""
    del decay
    return 1.0 - done


def cosine(done: float, decay: float) -> float:
    """Half a cosine wave down to zero."""
    del decay
    return 0.5 * (1.0 + math.cos(math.pi * done))


def constant(done: float, decay: float) -> float:
    """Stay."""
    del done, decay
    return 1.0


def stable(done: float, decay: float) -> float:
    """Stay, then straight down to zero at the end; known as trapezoidal, or WSD ("MiniCPM", 2024).

    What comes before the decay does not depend on the length of the run, so that one run can be
    ended at several lengths.
    """
    return min(1.0, (1.0 - done) / decay)


SCHEDULES: dict[str, Schedule] = {
    "linear": linear,
    "cosine": cosine,
    "constant": constant,
    "stable": stable,
}


def factor(schedule: str, step: int, steps: int, warmup: int, decay: float = 0.2) -> float:
    """The factor for `step` (from 0) of `steps`, of which the first `warmup` rise to 1.

    Args:
        schedule: a name in `SCHEDULES`.
        step: number of the step.
        steps: steps in all.
        warmup: steps in which the factor rises.
        decay: share of `steps` in which "stable" falls, or what warm-up leaves if that is less.
    """
    if schedule not in SCHEDULES:
        near = closest(schedule, SCHEDULES)
        raise ConfigError(f"no learning-rate schedule {schedule!r}; there are {near}")
    if not 0 < decay <= 1:
        raise ConfigError(f"the share of steps with a decaying rate is in (0, 1]; got {decay}")
    if step < warmup:
        return (step + 1) / warmup
    rest = max(1, steps - warmup)
    done = (step - warmup) / rest
    return SCHEDULES[schedule](min(1.0, done), min(1.0, decay * steps / rest))
