"""Which pieces of text become which row of an epoch.

A row is one text, [CLS] a [SEP], or two, [CLS] a [SEP] b [SEP]. A text is a stretch of whole
sentences of one document, as many as fit; a sentence that is too long for a row is cut.
"""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wenlu.corpus import TokenCorpus

Layout = Literal["single", "next", "swap", "consecutive"]
"""single: one text. consecutive: two texts, the second follows the first. next: half of the second
texts come from another document instead. swap: half of the pairs are in the wrong order."""

NOT_A_PAIR, IN_ORDER, OUT_OF_ORDER = -1, 0, 1

_TRIES = 4


class RowPlan(NamedTuple):
    """Rows, as ranges of the corpus's tokens; n rows."""

    first: NDArray[np.int64]
    """(n, 2): where the first text starts and ends."""
    second: NDArray[np.int64]
    """(n, 2): the second; empty where there is none."""
    relation: NDArray[np.int64]
    """(n,): NOT_A_PAIR, IN_ORDER or OUT_OF_ORDER."""
    document: NDArray[np.int64]
    """(n,): which document the row is from (its second text may be from another)."""

    def take(self, rows: NDArray[np.int64]) -> "RowPlan":
        """Some of the rows."""
        return RowPlan(*(column[rows] for column in self))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each row, [CLS] and [SEP] included."""
        second = self.second[:, 1] - self.second[:, 0]
        return self.first[:, 1] - self.first[:, 0] + second + 2 + (second > 0)


def plan_rows(
    corpus: TokenCorpus,
    documents: Iterable[int],
    layout: Layout,
    max_length: int,
    random: np.random.Generator,
) -> RowPlan:
    """The rows of some documents, in their order.

    The first row of a document is of random length, so that the cuts fall elsewhere every time. A
    stretch of a single sentence has nothing to follow it, and is a row of one text in any layout.

    Args:
        corpus: the text.
        documents: numbers of documents.
        layout: what a row consists of.
        max_length: tokens of a row at most, [CLS] and [SEP] included.
        random: where chance comes from.
    """
    room = max_length - (2 if layout == "single" else 3)
    first, second, relation, owner = [], [], [], []
    for document in documents:
        low, high = corpus.documents[document : document + 2].tolist()
        cuts = _cuts(corpus.sentences[low : high + 1].tolist(), room)
        draws = iter(random.random(2 + 3 * len(cuts)).tolist())
        limit = 1 + int(next(draws) * room)
        start, last = 0, len(cuts) - 1
        while start < last:
            end = max(start + 1, bisect_right(cuts, cuts[start] + limit) - 1)
            space = limit if end < last else cuts[end] - cuts[start]
            limit = room
            a, b, kind = (cuts[start], cuts[end]), (0, 0), NOT_A_PAIR
            if layout != "single" and end - start > 1:
                middle = start + 1 + int(next(draws) * (end - start - 1))
                a, b, kind = (a[0], cuts[middle]), (cuts[middle], a[1]), IN_ORDER
                if layout != "consecutive" and next(draws) < 0.5:
                    kind = OUT_OF_ORDER
                    if layout == "swap":
                        a, b = b, a
                    else:
                        b = _elsewhere(corpus, (low, high), space - (a[1] - a[0]), random)
                        end = middle  # what followed is still to come
            first.append(a)
            second.append(b)
            relation.append(kind)
            owner.append(document)
            start = end
    return RowPlan(
        np.array(first, np.int64).reshape(-1, 2),
        np.array(second, np.int64).reshape(-1, 2),
        np.array(relation, np.int64),
        np.array(owner, np.int64),
    )


def _cuts(bounds: list[int], room: int) -> list[int]:
    """The bounds of sentences, with more of them inside sentences of over `room` tokens."""
    cuts = bounds[:1]
    for start, end in pairwise(bounds):
        cuts.extend(range(start + room, end, room))
        cuts.append(end)
    return cuts


def _elsewhere(
    corpus: TokenCorpus, own: tuple[int, int], space: int, random: np.random.Generator
) -> tuple[int, int]:
    """A stretch of another document, as many sentences as fit into `space` tokens.

    Nothing but its meaning shall tell that it does not follow, so it is made like one that does: of
    about that length, of whole sentences, and not from the beginning of a document. It starts after
    the sentence of a random token (a random document would mostly be a short one), and of a few
    such places the first is taken after which the document goes on for long enough.

    Args:
        corpus: the text.
        own: the sentences that it must not be among.
        space: how much of its document would be there, were it the one that follows.
        random: where chance comes from.
    """
    sentences, documents = corpus.sentences, corpus.documents
    begin, end = sentences[own[0]], sentences[own[1]]
    for token in random.integers(len(corpus.tokens) - (end - begin), size=_TRIES):
        place = token + (end - begin) * (token >= begin)
        sentence = int(sentences.searchsorted(place, "right")) - 1
        last = int(documents[documents.searchsorted(sentence, "right")])
        first = min(sentence + 1, last - 1)
        cuts = sentences[first : last + 1]
        if cuts[1] - cuts[0] <= space <= cuts[-1] - cuts[0]:
            break
    fit = int(cuts.searchsorted(cuts[0] + space, "right")) - 1
    return int(cuts[0]), int(cuts[fit]) if fit > 0 else int(cuts[0]) + space
