"""What is taken for what: reading a confusion matrix that is too large to look at.

Axes: gold, predicted.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """One kind of mistake: texts of class `gold` that were labelled `predicted`."""

    gold: int
    predicted: int
    count: int
    share: float
    """Of all texts of class `gold`."""


def confused_pairs(
    confusion: Int64[np.ndarray, "gold predicted"], count: int
) -> list[ConfusedPair]:
    """The `count` most frequent kinds of mistake; of equally frequent ones, the larger share."""
    wrong = _off_diagonal(confusion)
    supports = confusion.sum(1)
    pairs = [
        ConfusedPair(int(g), int(p), int(wrong[g, p]), float(wrong[g, p] / supports[g]))
        for g, p in zip(*np.nonzero(wrong), strict=True)
    ]
    pairs.sort(key=lambda pair: (-pair.count, -pair.share, pair.gold, pair.predicted))
    return pairs[:count]


def confused_classes(confusion: Int64[np.ndarray, "gold predicted"], count: int) -> list[int]:
    """Up to `count` classes that hold the largest confusions, so ordered that these stand close.

    Classes come in by pairs, the most confused pair (both ways together) first, so that every
    class shown stands beside the one it is taken for. Then each place goes to the class that
    is most confused with those just before it, which draws groups together along the diagonal.
    """
    wrong = _off_diagonal(confusion)
    mutual = wrong + wrong.T  # symmetric
    rows, columns = np.triu_indices(len(mutual), 1)
    order = np.argsort(-mutual[rows, columns], kind="stable")
    chosen: dict[int, None] = {}
    for pair in order:
        both = int(rows[pair]), int(columns[pair])
        if not mutual[both]:
            break
        if len({*chosen, *both}) <= count:
            chosen |= dict.fromkeys(both)
    return _by_closeness(list(chosen), mutual)


def _by_closeness(classes: list[int], mutual: Int64[np.ndarray, "gold predicted"]) -> list[int]:
    placed: list[int] = []
    pull = dict.fromkeys(classes, 0.0)
    while pull:
        latest = max(pull, key=lambda each: (pull[each], mutual[each].sum()))
        placed.append(latest)
        del pull[latest]
        for each in pull:
            pull[each] = pull[each] / 2 + float(mutual[latest, each])
    return placed


def _off_diagonal(
    confusion: Int64[np.ndarray, "gold predicted"],
) -> Int64[np.ndarray, "gold predicted"]:
    return confusion - np.diag(confusion.diagonal())
