"""Scores of what was found in texts: over all pieces, and CLUENER's official one."""

from collections.abc import Collection, Hashable, Sequence

import numpy as np

from wenlu.evaluation.matching import Tally


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
