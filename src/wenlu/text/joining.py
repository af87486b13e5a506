"""Token sequences as one input of limited length."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Joined:
    """An input of the model: [CLS] first [SEP], or [CLS] first [SEP] second [SEP]."""

    ids: list[int]
    """Token ids, special tokens included."""

    segments: list[int]
    """0 for the first part with its [CLS] and [SEP], 1 for the second with its [SEP]."""

    cut: int
    """How many tokens did not fit."""

    second: int
    """Where in `ids` the second part starts; `len(ids)` without one. The first starts at 1."""


def share(first: int, second: int, room: int) -> tuple[int, int]:
    """How much of two lengths stays when the longer one is shortened, step by step, to fit.

    The same as dropping one from the longer (from the second, if they are equal) while
    `first + second > room`, without the loop.
    """
    if first + second <= room:
        return first, second
    second = min(second, max(room // 2, room - first))
    return room - second, second


def shares(lengths: Sequence[int], room: int) -> list[int]:
    """How much of several lengths stays when the longest is shortened, step by step, to fit.

    The same as dropping one from the longest (from the last of those that are equal) while they
    add up to more than `room`, without the loop; for two lengths it is `share`.
    """
    if sum(lengths) <= room:
        return list(lengths)
    kept, left = [0] * len(lengths), max(0, room)
    by_length = sorted(range(len(lengths)), key=lambda i: (lengths[i], -i))
    for place, i in enumerate(by_length):
        # The shorter ones stay whole while all that are left could be as long; then they are
        # equal but for what cannot be divided, which the first of them keep.
        level, more = divmod(left, len(lengths) - place)
        if lengths[i] > level:
            rest = sorted(by_length[place:])
            for number, j in enumerate(rest):
                kept[j] = level + (number < more)
            return kept
        kept[i] = lengths[i]
        left -= lengths[i]
    return kept
