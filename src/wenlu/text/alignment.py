"""Between characters of a text and its tokens, by the offsets that the tokenizer gives.

A span of characters aligns with tokens if its first character starts a token and its last one ends
a token; then the tokens give back exactly that span. Nothing is searched for in the text. Ends of
characters are exclusive, and tokens are told by the first and the last one, both inside.

Several tokens may have the same offsets (a character that is taken apart), and between tokens
characters may be left out (spaces, marks that the normalisation drops).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import chain
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from wenlu.text.tokenizer import Encoding

Ints = NDArray[np.int64]
TextOffsets = Sequence[tuple[int, int]]


def token_span(offsets: TextOffsets, start: int, end: int) -> tuple[int, int] | None:
    """First and last token of the characters start..end; None if they do not align."""
    first = bisect_left(offsets, start, key=itemgetter(0))
    last = bisect_right(offsets, end, key=itemgetter(1)) - 1
    if first <= last and offsets[first][0] == start and offsets[last][1] == end:
        return first, last
    return None


def text_span(offsets: TextOffsets, first: int, last: int) -> tuple[int, int]:
    """Start and end of the characters of the tokens first..last."""
    return offsets[first][0], offsets[last][1]


class Offsets:
    """The offsets of many texts in two arrays, so that many spans are mapped at once.

    Args:
        encodings: of the texts, with offsets.
    """

    def __init__(self, encodings: Sequence[Encoding]) -> None:
        lengths = np.fromiter(map(len, encodings), np.int64, len(encodings))
        self.begins: Ints = np.concatenate([[0], np.cumsum(lengths)])
        """Where the tokens of each text begin; one more number than texts."""
        pairs = chain.from_iterable(encoding.offsets or () for encoding in encodings)
        flat = np.fromiter(chain.from_iterable(pairs), np.int64, 2 * int(self.begins[-1]))
        self._starts, self._ends = flat[0::2], flat[1::2]
        # Texts lie one behind the other on one line, so that one search serves them all.
        self._size = int(flat.max(initial=0)) + 2
        shifts = np.repeat(np.arange(len(lengths)) * self._size, lengths)
        self._starts_on_line = self._starts + shifts
        self._ends_on_line = self._ends + shifts

    def tokens(self, texts: Ints, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
        """First and last token of each span of characters; -1 and -1 where they do not align.

        Args:
            texts: number of the text that each span stands in.
            starts: where each span starts.
            ends: where it ends.
        """
        line = texts * self._size
        inside = (starts >= 0) & (starts < self._size - 1) & (ends >= 0) & (ends < self._size - 1)
        first = np.searchsorted(self._starts_on_line, line + starts, "left")
        last = np.searchsorted(self._ends_on_line, line + ends, "right") - 1
        found = inside & (first <= last)
        safe_first, safe_last = np.where(found, first, 0), np.where(found, last, 0)
        if len(self._starts):
            found &= self._starts_on_line[safe_first] == line + starts
            found &= self._ends_on_line[safe_last] == line + ends
        begins = self.begins[texts]
        return np.where(found, first - begins, -1), np.where(found, last - begins, -1)

    def spans(self, texts: Ints, first: Ints, last: Ints) -> tuple[Ints, Ints]:
        """Start and end of the characters of the tokens first..last of each text."""
        begins = self.begins[texts]
        return self._starts[begins + first], self._ends[begins + last]


def nearest(text: str, piece: str, place: int) -> int | None:
    """Where `piece` stands in `text`, as near to `place` as it does; None if nowhere.

    For people's own marks that are off by a few characters; tokens are never searched for.
    """
    found, best = text.find(piece) if piece else -1, None
    while found >= 0:
        if best is None or abs(found - place) < abs(best - place):
            best = found
        found = text.find(piece, found + 1)
    return best
