"""A long text in windows, so that every short piece of it stands whole in one of them.

All windows are equally long and evenly spread, and every place of the text is left to one window:
the one whose middle is nearest. A piece is answered for by the window that its own middle is left
to, which of all windows that hold it shows it with the most text on its narrower side. So what
several windows find need not be reconciled: each piece has exactly one window.
"""

from itertools import pairwise
from typing import NamedTuple

from wenlu.errors import ConfigError


class Window(NamedTuple):
    """Tokens start..end of a text (end exclusive)."""

    start: int
    end: int
    low: int
    high: int
    """It answers for the pieces first..last with low <= first + last < high."""

    def holds(self, first: int, last: int) -> bool:
        """Whether the piece stands whole in this window."""
        return self.start <= first and last < self.end

    def answers(self, first: int, last: int) -> bool:
        """Whether this window answers for the piece."""
        return self.low <= first + last < self.high


def windows(length: int, room: int, overlap: int) -> list[Window]:
    """The windows of a text; one if it fits. Pieces of up to `overlap` + 1 tokens are held whole.

    Args:
        length: tokens of the text.
        room: tokens that a window may hold.
        overlap: tokens that neighbours share at least; at most half of `room`.
    """
    if room < 1 or not 0 <= 2 * overlap <= room:
        raise ConfigError(
            f"windows of {room} tokens cannot share {overlap}: there must be room for a token, and "
            "at most half of it be shared"
        )
    if length <= room:
        return [Window(0, length, 0, 2 * length + 1)]
    count = -((overlap - length) // (room - overlap))
    starts = [k * (length - room) // (count - 1) for k in range(count)]
    # Twice the middle of a window is 2 * start + room - 1; that of a piece is first + last.
    bounds = [a + b + room for a, b in pairwise(starts)]
    lows, highs = [0, *bounds], [*bounds, 2 * length + 1]
    return [
        Window(start, start + room, low, high)
        for start, low, high in zip(starts, lows, highs, strict=True)
    ]
