"""Scores of what was found in texts: over all pieces, and CLUENER's official one."""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something was right; a ratio without a denominator is 0."""

    found: int
    gold: int
    predicted: int

    @property
    def precision(self) -> float:
        """Of the predicted pieces, the share that is right."""
        return self.found / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Of the gold pieces, the share that was found."""
        return self.found / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of the two."""
        return 2 * self.found / (self.gold + self.predicted) if self.found else 0.0


def tally(gold: Sequence[Collection[Hashable]], predicted: Sequence[Collection[Hashable]]) -> Tally:
    """Counts over all texts; of a text, what is listed twice counts once."""
    found = expected = said = 0
    for wanted, given in zip(map(set, gold), map(set, predicted), strict=True):
        found += len(wanted & given)
        expected += len(wanted)
        said += len(given)
    return Tally(found, expected, said)


def cluener_tallies(
    gold: Sequence[Collection[tuple[str, str]]],
    predicted: Sequence[Collection[tuple[str, str]]],
    types: Sequence[str],
) -> dict[str, Tally]:
    """Counts of each type over all texts, whose pieces are given as (type, words).

    Where a piece stands does not count, nor how often it stands in one text.
    """

    def of(kind: str, texts: Sequence[Collection[tuple[str, str]]]) -> list[set[str]]:
        return [{words for other, words in pieces if other == kind} for pieces in texts]

    return {kind: tally(of(kind, gold), of(kind, predicted)) for kind in types}


def cluener_f1(
    gold: Sequence[Collection[tuple[str, str]]],
    predicted: Sequence[Collection[tuple[str, str]]],
    types: Sequence[str],
) -> float:
    """CLUENER's official score: the F1 of each type, 0 where nothing is right, and their mean.

    Source: CLUE's scoring code; pieces are given as (type, words), as to `cluener_tallies`.
    """
    return float(np.mean([t.f1 for t in cluener_tallies(gold, predicted, types).values()]))
