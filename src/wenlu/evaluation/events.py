"""The official score of event extraction: arguments by the characters that they share (DuEE 1.0).

A predicted argument scores 0 unless event type and role are right. Then it scores the F1 of its
characters and those of a gold argument: what both have in common, as often as both have it, is a
share P of the one and R of the other. Case does not count. Where a gold argument has several
mentions, the one that fits best counts. A gold argument is given to one prediction only: the pairs
of a text are taken in order of their scores, best first. Triggers are not scored.

Precision is the sum of the scores over the number of predicted arguments, recall that over the
number of gold ones. ("bert4keras in hand: Baidu LIC2020"; scoring of LIC2020.)
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64


class Argument(NamedTuple):
    """What takes part in an event."""

    event_type: str
    role: str
    mentions: tuple[str, ...]
    """How it is called: in a prediction one text, in a gold argument one or several."""


@dataclass(frozen=True, slots=True)
class ArgumentScore:
    """Sum of the scores, and by what it is divided; a ratio without a denominator is 0."""

    total: float
    gold: int
    predicted: int

    @property
    def precision(self) -> float:
        return self.total / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        return self.total / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        return 2 * self.total / (self.predicted + self.gold) if self.total else 0.0


def argument_score(
    gold: Sequence[Sequence[Argument]], predicted: Sequence[Sequence[Argument]]
) -> ArgumentScore:
    """Over all texts, each with its arguments. Whatever is listed twice counts twice."""
    counts = argument_counts(gold, predicted).tolist()
    total, expected, said = (
        (sum(column) for column in zip(*counts, strict=True)) if counts else (0.0,) * 3
    )
    return ArgumentScore(total, int(expected), int(said))


def argument_counts(
    gold: Sequence[Sequence[Argument]], predicted: Sequence[Sequence[Argument]]
) -> Float64[np.ndarray, "n 3"]:
    """What each text adds: the sum of its scores, its gold and its predicted arguments."""
    rows = [
        (_text_score(wanted, said), len(wanted), len(said))
        for wanted, said in zip(gold, predicted, strict=True)
    ]
    return np.array(rows, np.float64).reshape(-1, 3)


def character_f1(gold: str, predicted: str) -> float:
    """Harmonic mean of the shares of two texts that their common characters are."""
    wanted, said = Counter(gold.lower()), Counter(predicted.lower())
    common = (wanted & said).total()
    return 2 * common / (wanted.total() + said.total()) if common else 0.0


def _text_score(gold: Sequence[Argument], predicted: Sequence[Argument]) -> float:
    by_role: defaultdict[tuple[str, str], list[Argument]] = defaultdict(list)
    for argument in gold:
        by_role[argument[:2]].append(argument)
    pairs = [
        (_best_mention(wanted, said), p, said[:2], g)
        for p, said in enumerate(predicted)
        for g, wanted in enumerate(by_role.get(said[:2], ()))
    ]
    total, taken_gold, taken = 0.0, set(), set()
    for score, p, role, g in sorted(pairs, key=lambda pair: -pair[0]):
        if p not in taken and (role, g) not in taken_gold:
            taken.add(p)
            taken_gold.add((role, g))
            total += score
    return total


def _best_mention(gold: Argument, predicted: Argument) -> float:
    return max((character_f1(g, p) for g, p in _pairs(gold, predicted)), default=0.0)


def _pairs(gold: Argument, predicted: Argument) -> Iterable[tuple[str, str]]:
    return ((g, p) for g in gold.mentions for p in predicted.mentions)
