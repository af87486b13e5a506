"""A long text in overlapping windows that begin at fixed steps, as benchmarks of reading cut them.

Unlike `wenlu.text.windows`, where each piece has one window that answers for it, a piece may be
found in several of these windows, so their scores must be comparable.
"""

from wenlu.errors import ConfigError


def strides(length: int, room: int, step: int) -> list[tuple[int, int]]:
    """Start and end (exclusive) of each window: at 0, step, 2·step, ... until one reaches the end.

    Every piece of at most `room - step + 1` tokens stands whole in some window.

    Args:
        length: tokens of the text.
        room: tokens that a window may hold; the last one may be shorter.
        step: tokens from one start to the next, below `room`; 0 for the first window alone.
    """
    if not 0 <= step < room:
        raise ConfigError(
            f"windows of {room} tokens cannot begin every {step}: the step must be smaller, or "
            "text would be left out"
        )
    more = -(-max(0, length - room) // step) if step else 0
    return [(k * step, min(k * step + room, length)) for k in range(more + 1)]
