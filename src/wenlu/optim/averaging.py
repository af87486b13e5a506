"""Moving averages of gradients that come one micro-batch at a time.

An optimizer with momentum β averages one gradient an update. Where the gradient of an update comes
in k micro-batches, the average can take up each of them as it comes, so that nothing else has to
hold their sum. On every micro-step m <- decay·m + weight·g; the kinds differ in when m decays:

once       decay β on the first micro-step of a group, weight (1-β)/k on each: after the group, m
           is what it would be with the group's mean gradient. Exact for an average of g.
spread     decay β̃ = 1 - (1-β)/k and weight 1-β̃ on each, as if the optimizer were an ordinary one
           with another β. Comes close to `once`, as β̃**k is close to β.
unchanged  decay β and weight 1-β on each: the average looks back on k times fewer samples.

Source: "Gradient accumulation hidden in momentum" (2021-08-24).
"""

from dataclasses import dataclass
from typing import Literal

from wenlu.errors import ConfigError, closest

# Names and not objects, as they stand in the parameter groups that an optimizer saves.
Averaging = Literal["once", "spread", "unchanged"]
AVERAGINGS: dict[str, str] = {
    "once": "decay once a group",
    "spread": "decay a little on every micro-step",
    "unchanged": "decay on every micro-step as if it were an update",
}


@dataclass(frozen=True, slots=True)
class MovingAverage:
    """How one average goes on: m <- decay·m + weight·g, in groups of `accumulate` micro-steps."""

    accumulate: int
    """Micro-steps in a group, k."""
    decay: float
    weight: float
    every: bool
    """Whether m decays on every micro-step, or only on the first of a group."""

    def keep(self, before: int, after: int) -> float:
        """What is left of m when its count of micro-steps goes from `before` to `after`.

        They are of one group; more than one where a parameter had no gradient in between.
        """
        if self.every:
            return self.decay ** (after - before)
        return self.decay if before % self.accumulate == 0 else 1.0

    def total(self, steps: int) -> float:
        """The sum of all weights in m after `steps` micro-steps, by which its bias is corrected."""
        return 1.0 - self.decay ** (steps if self.every else -(-steps // self.accumulate))


def moving_average(averaging: str, beta: float, accumulate: int) -> MovingAverage:
    """The average with decay `beta` an update, taken in groups of `accumulate` micro-steps."""
    if averaging not in AVERAGINGS:
        near = closest(averaging, AVERAGINGS)
        raise ConfigError(f"no averaging {averaging!r} of gradients; there are {near}")
    part = (1.0 - beta) / accumulate
    if averaging == "once":
        return MovingAverage(accumulate, beta, part, every=False)
    if averaging == "spread":
        return MovingAverage(accumulate, 1.0 - part, part, every=True)
    return MovingAverage(accumulate, beta, 1.0 - beta, every=True)
