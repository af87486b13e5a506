"""The scale of a chart: round numbers along an axis, and where a value stands on it."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

SIZE = 1000
"""A plot is drawn on a square of this side, which the page stretches to its own size."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A stretch of numbers."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Where a value stands, from 0 at the low end to 1 at the high end."""
        return (value - self.low) / (self.high - self.low)


def axis(
    values: Iterable[float],
    *,
    low: float | None = None,
    high: float | None = None,
    ticks: int = 5,
    whole: bool = False,
) -> Axis:
    """An axis that holds the values, with about `ticks` round numbers on it.

    Args:
        values: what is to be shown; values that are not finite are passed over.
        low: a fixed low end; else the round number below the values.
        high: a fixed high end; else the round number above them.
        ticks: how many round numbers to aim for.
        whole: whether only whole numbers make sense.
    """
    finite = [value for value in values if isfinite(value)] or [0.0, 1.0]
    bottom = min(finite) if low is None else low
    top = max(finite) if high is None else high
    if top <= bottom:
        spread = abs(bottom) * 0.1 or 1.0
        bottom, top = bottom if low is not None else bottom - spread, top + spread
    step = _round_step((top - bottom) / ticks, whole)
    first, last = floor(bottom / step + 1e-9), ceil(top / step - 1e-9)
    marks = tuple(float(f"{k * step:.10g}") for k in range(first, last + 1))
    bottom = bottom if low is not None else marks[0]
    top = top if high is not None else marks[-1]
    slack = (top - bottom) * 1e-9
    return Axis(bottom, top, tuple(m for m in marks if bottom - slack <= m <= top + slack))


def _round_step(raw: float, whole: bool) -> float:
    size = 10.0 ** floor(log10(raw))
    step = next(size * k for k in (1, 2, 5, 10) if size * k >= raw * (1 - 1e-9))
    return max(step, 1.0) if whole else step
