"""How the learning rate rises and falls, as a factor of the largest one."""

import math
from collections.abc import Callable

from wenlu.errors import ConfigError, closest

Schedule = Callable[[float], float]
"""Share of the training that is done, after warm-up, in [0, 1] -> factor."""


def linear(done: float) -> float:
    """Straight down to zero."""
    return 1.0 - done


def cosine(done: float) -> float:
    """Half a cosine wave down to zero."""
    return 0.5 * (1.0 + math.cos(math.pi * done))


def constant(done: float) -> float:
    """Stay."""
    del done
    return 1.0


SCHEDULES: dict[str, Schedule] = {"linear": linear, "cosine": cosine, "constant": constant}


def factor(schedule: str, step: int, steps: int, warmup: int) -> float:
    """The factor for update `step` (from 0) of `steps`, of which the first `warmup` rise to 1."""
    if schedule not in SCHEDULES:
        near = closest(schedule, SCHEDULES)
        raise ConfigError(f"no learning-rate schedule {schedule!r}; there are {near}")
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return SCHEDULES[schedule](min(1.0, done))
