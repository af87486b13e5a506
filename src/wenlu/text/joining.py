"""Two token sequences as one input of limited length."""

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
