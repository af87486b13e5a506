"""Documents cut into sentences, tokens and words, many at once.

Nearly every character of Chinese text is a token by itself, whatever stands beside it. Those are
looked up in a table; the tokenizer cuts only what is between them, and each such run once. That is
several times faster than giving it everything, and comes to the same.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wenlu.corpus.characters import ALONE, RUN, Characters, code_points, find_runs
from wenlu.corpus.sentences import BREAKS, line_starts, sentence_starts
from wenlu.text import Tokenizer

if TYPE_CHECKING:
    import rjieba

_LARGEST_CACHE = 1 << 17  # runs
_WORDS_AT_ONCE = 1 << 17  # characters


class Cut(NamedTuple):
    """What some documents became; sentences without tokens are not there."""

    tokens: NDArray[np.unsignedinteger]

    word_starts: NDArray[np.bool_]

    sentences: NDArray[np.int64]
    """Tokens of each sentence."""

    documents: NDArray[np.int64]
    """Sentences of each document, which may be 0."""

    characters: int
    """Characters that were read, line breaks aside."""

    unknown: int
    """How many tokens are [UNK]."""


def token_type(tokenizer: Tokenizer) -> np.dtype[np.unsignedinteger]:
    """The smaller of two types that holds its ids."""
    return np.dtype(np.uint16 if len(tokenizer) <= 1 << 16 else np.uint32)


class Cutter:
    """Cuts documents with one tokenizer, and finds where words start with rjieba.

    A token starts a word if a word starts where it does, or if it is the first of its sentence; a
    piece of a word (`##ing`) does not.

    Args:
        tokenizer: cuts text into tokens.
        by_line: take each line for a sentence, whatever stands in it.
    """

    def __init__(self, tokenizer: Tokenizer, *, by_line: bool = False) -> None:
        self._tokenizer = tokenizer
        self._sentence_starts = line_starts if by_line else sentence_starts
        self._words = _words()
        self._characters = _SingleTokens(tokenizer)
        self._type = token_type(tokenizer)
        self._pieces = np.array([t.startswith("##") and len(t) > 2 for t in tokenizer.vocabulary])
        self._cache: dict[str, tuple[list[int], list[int]]] = {}

    def cut(self, texts: Sequence[str]) -> Cut:
        """The sentences, tokens and words of documents."""
        text = "\n".join(texts)
        starts = np.array(self._sentence_starts(text), dtype=np.int64)
        places, tokens = self._cut_tokens(text, starts)
        word_starts = self._word_starts(text, starts)[places] & ~self._pieces[tokens]
        sizes = np.diff(np.searchsorted(places, starts), append=len(places))  # (sentence)
        kept = sizes > 0
        word_starts[(np.cumsum(sizes) - sizes)[kept]] = True
        ends = np.cumsum(np.fromiter((len(one) + 1 for one in texts), np.int64, len(texts)))
        owners = np.searchsorted(ends, starts[kept], side="right")
        return Cut(
            tokens=tokens.astype(self._type),
            word_starts=word_starts,
            sentences=sizes[kept],
            documents=np.bincount(owners, minlength=len(texts)),
            characters=len(text) - sum(text.count(mark) for mark in BREAKS),
            unknown=int(np.count_nonzero(tokens == self._tokenizer.unknown_id)),
        )

    def _cut_tokens(
        self, text: str, starts: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where each token starts, and its id."""
        codes = code_points(text)
        kinds = self._characters.kinds(codes)
        alone = np.flatnonzero(kinds == ALONE)
        firsts, ends = find_runs(kinds, starts)
        found = self._cut_runs([text[a:b] for a, b in zip(firsts, ends, strict=True)])
        counts = np.fromiter((len(ids) for ids, _ in found), np.int64, len(found))
        within = _flat(places for _, places in found)
        places = np.concatenate((alone, np.repeat(firsts, counts) + within))
        ids = np.concatenate((self._characters.ids[codes[alone]], _flat(ids for ids, _ in found)))
        order = np.argsort(places, kind="stable")  # one character may give several tokens
        return places[order], ids[order]

    def _cut_runs(self, runs: list[str]) -> list[tuple[list[int], list[int]]]:
        """The ids of each run, and where in it they start."""
        if len(self._cache) > _LARGEST_CACHE:
            self._cache.clear()
        new = [run for run in dict.fromkeys(runs) if run not in self._cache]
        for run, one in zip(new, self._tokenizer.encode_batch(new), strict=True):
            self._cache[run] = (one.ids, [start for start, _ in one.offsets or ()])
        return [self._cache[run] for run in runs]

    def _word_starts(self, text: str, starts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether a word starts at a character.

        Words never cross the end of a sentence, so that many sentences can be cut at once.
        """
        found = np.zeros(len(text) + 1, dtype=np.bool_)
        some = starts[np.flatnonzero(np.diff(starts // _WORDS_AT_ONCE, prepend=-1))]
        for a, b in pairwise([*some.tolist(), len(text)]):
            words = self._words.cut(text[a:b])
            found[a + np.cumsum(np.fromiter(map(len, words), np.int64, len(words)))] = True
        return found


@cache
def _words() -> "rjieba.Jieba":
    """Finds words; not rjieba's own shared one, to which the caller may have added some."""
    import rjieba

    return rjieba.Jieba()


class _SingleTokens(Characters):
    """The kinds of characters under a vocabulary, and the ids of those that are one token."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__(tokenizer.normalization if tokenizer.is_plain() else None)
        self._tokenizer = tokenizer
        self.ids = np.zeros(0x110000, dtype=np.int64)

    def learn(self, codes: NDArray[np.uint32]) -> None:
        super().learn(codes)
        alone = codes[self._table[codes] == ALONE]
        for code, one in zip(
            alone, self._tokenizer.encode_batch([chr(code) for code in alone]), strict=True
        ):
            if len(one) == 1:
                self.ids[code] = one.ids[0]
            else:
                self._table[code] = RUN


def _flat(lists: Iterable[list[int]]) -> NDArray[np.int64]:
    return np.fromiter(chain.from_iterable(lists), np.int64)
