"""What was found of labelled pieces (spans, relations), and what stands in for what was not."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from jaxtyping import Int64

from wenlu.evaluation.predictions import Span, Triple

P = TypeVar("P", bound=Span | Triple)


@dataclass(frozen=True, slots=True)
class Match(Generic[P]):
    """A gold piece, a predicted one, or both where they stand at the same place."""

    gold: P | None
    predicted: P | None

    @property
    def verdict(self) -> str:
        """Found, missed, surplus; or wrong, which is the right place under another label."""
        if self.gold is None:
            return "surplus"
        if self.predicted is None:
            return "missed"
        return "found" if self.gold.label == self.predicted.label else "wrong"

    @property
    def piece(self) -> P:
        """The gold piece, else the predicted one."""
        found = self.predicted if self.gold is None else self.gold
        assert found is not None
        return found


@dataclass(frozen=True, slots=True)
class Tally:
    """How often a label was right; a ratio without a denominator is 0."""

    found: int = 0
    gold: int = 0
    predicted: int = 0

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

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.found + other.found, self.gold + other.gold, self.predicted + other.predicted
        )


def match(gold: Sequence[P], predicted: Sequence[P]) -> list[Match[P]]:
    """Pair what stands at the same place: first under the same label, then under others.

    A piece that is listed twice counts once. Gold pieces come first, in their order.
    """
    wanted, said = _different(gold), _different(predicted)
    rest: defaultdict[Hashable, list[P]] = defaultdict(list)
    for key, piece in said.items():
        if key not in wanted:
            rest[piece.place].append(piece)
    found = []
    for key, piece in wanted.items():
        other = said.get(key)
        if other is None and rest[piece.place]:
            other = rest[piece.place].pop(0)
        found.append(Match(piece, other))
    surplus = {id(piece) for pieces in rest.values() for piece in pieces}
    return found + [Match(None, piece) for piece in said.values() if id(piece) in surplus]


def tallies(matches: Iterable[Match[P]]) -> dict[str, Tally]:
    """Counts of every label that occurs."""
    gold, predicted, found = Counter[str](), Counter[str](), Counter[str]()
    for each in matches:
        if each.gold is not None:
            gold[each.gold.label] += 1
            found[each.gold.label] += each.verdict == "found"
        if each.predicted is not None:
            predicted[each.predicted.label] += 1
    return {
        label: Tally(found[label], gold[label], predicted[label])
        for label in dict.fromkeys([*gold, *predicted])
    }


def mixed_up(
    matches: Iterable[Match[P]], labels: Sequence[str]
) -> Int64[np.ndarray, "gold predicted"]:
    """A confusion matrix over the labels and, in its last row and column, nothing at all.

    What was missed was taken for nothing; what is surplus is nothing.
    """
    place: dict[str | None, int] = {label: at for at, label in enumerate([*labels, None])}
    matrix = np.zeros((len(place), len(place)), dtype=np.int64)
    for each in matches:
        matrix[place[_label(each.gold)], place[_label(each.predicted)]] += 1
    return matrix


def shifted(matches: Iterable[Match[Span]]) -> int:
    """How many missed spans of a text meet a surplus one of their label: they only moved."""
    missed: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    surplus: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for each in matches:
        span = each.piece
        if each.verdict in ("missed", "surplus") and span.start is not None:
            side = missed if each.verdict == "missed" else surplus
            side[span.label].append((span.start, span.end or 0))
    return sum(_meetings(sorted(missed[label]), sorted(surplus[label])) for label in missed)


def _meetings(ones: list[tuple[int, int]], others: list[tuple[int, int]]) -> int:
    """How many stretches of the one list meet one of the other, each of which counts once."""
    count = at = 0
    for start, end in ones:
        while at < len(others) and others[at][1] <= start:
            at += 1
        if at < len(others) and others[at][0] < end:
            count, at = count + 1, at + 1
    return count


def _label(piece: Span | Triple | None) -> str | None:
    return None if piece is None else piece.label


def _different(pieces: Sequence[P]) -> dict[tuple[str, Hashable], P]:
    found: dict[tuple[str, Hashable], P] = {}
    for piece in pieces:
        found.setdefault((piece.label, piece.place), piece)
    return found
