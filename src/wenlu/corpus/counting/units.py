"""What is counted in text: words, characters, runs of characters, a tokenizer's tokens.

White space is never counted, and none stands within a word: it ends them. So no word has a tab or
a line break in it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from wenlu.corpus.characters import ALONE, Characters, code_points, find_runs
from wenlu.errors import ConfigError
from wenlu.text import Tokenizer

PIECE = 1 << 16
"""Characters that are counted at once; a longer stretch that nothing ends is cut there."""

_MARKS = "\n。，；！？、：「」“”… "  # rjieba looks at what is between them piece by piece
_LAST_SPACE = 0x3000
_KEY_BITS = 63
_CACHE = 1 << 16  # runs of letters


@runtime_checkable
class Counting(Protocol):
    """Counts one kind of unit; each process has its own."""

    def pieces(self, text: str) -> Iterator[str]:
        """A text cut where no unit goes across, so that memory stays small."""
        ...

    def count(self, piece: str, table: Counter[str]) -> None:
        """Add the units of a piece to a table; white space may come too."""
        ...


@runtime_checkable
class Unit(Protocol):
    """What to count."""

    @property
    def name(self) -> str:
        """What the column of a table is called."""
        ...

    def start(self) -> Counting:
        """Make a process ready to count."""
        ...


@dataclass(frozen=True, slots=True)
class Words:
    """Words, as rjieba finds them.

    A stretch of more than 65,536 characters without white space and punctuation is cut there.
    """

    name = "word"

    def start(self) -> Counting:
        return _Words()


@dataclass(frozen=True, slots=True)
class NGrams:
    """Runs of n characters that stand beside one another, without white space among them."""

    n: int = 2

    name = "ngram"

    def __post_init__(self) -> None:
        if not 1 <= self.n <= 64:
            raise ConfigError(f"n is {self.n}; an n-gram has 1 to 64 characters")

    def start(self) -> Counting:
        return _NGrams(self.n)


@dataclass(frozen=True, slots=True)
class SingleCharacters:
    """Characters: code points."""

    name = "char"

    def start(self) -> Counting:
        return _NGrams(1)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a tokenizer, without special ones.

    Args:
        tokenizer: the folder of a model, or a `vocab.txt`.
    """

    tokenizer: Path

    name = "token"

    def load(self) -> Tokenizer:
        """The tokenizer, if its tokens can be counted."""
        made = Tokenizer.from_folder if self.tokenizer.is_dir() else Tokenizer.from_vocab
        tokenizer = made(self.tokenizer)
        for token in tokenizer.vocabulary:
            if any(map(str.isspace, token)) and token.strip():
                raise ConfigError(
                    f"{self.tokenizer}: the token {token!r} has white space in it, so it cannot "
                    "stand in a table of counts. Take a vocabulary without such tokens."
                )
        return tokenizer

    def start(self) -> Counting:
        return _Tokens(self.load())


class _Words:
    def __init__(self) -> None:
        import rjieba

        self._jieba = rjieba.Jieba()  # not the shared one, to which the caller may have added
        self._jieba.cut("文炉")  # reads the dictionary

    def pieces(self, text: str) -> Iterator[str]:
        start = 0
        while len(text) - start > PIECE:
            end = text.rfind("\n", start, start + PIECE) + 1
            if not end:
                end = 1 + max(text.rfind(mark, start, start + PIECE) for mark in _MARKS)
            end = end or start + PIECE
            yield text[start:end]
            start = end
        yield text[start:]

    def count(self, piece: str, table: Counter[str]) -> None:
        table.update(self._jieba.cut(piece))


class _NGrams:
    """Each n-gram becomes a whole number, so that equal ones are found by sorting numbers."""

    def __init__(self, n: int) -> None:
        self._n = n
        self._spaces = np.zeros(0x110000, dtype=np.bool_)
        self._spaces[[code for code in range(_LAST_SPACE + 1) if chr(code).isspace()]] = True
        self._numbers = np.zeros(0x110000, dtype=np.uint64)

    def pieces(self, text: str) -> Iterator[str]:
        size = 4 * PIECE  # n-grams repeat less: more of them at once pay
        for start in range(0, max(1, len(text) - self._n + 1), size):
            yield text[start : start + size + self._n - 1]

    def count(self, piece: str, table: Counter[str]) -> None:
        n = self._n
        if len(piece) < n:
            return
        codes = code_points(piece)
        before = np.concatenate(([0], np.cumsum(self._spaces[codes])))
        starts = np.flatnonzero(before[n:] == before[:-n])  # no white space within
        known = np.flatnonzero(np.bincount(codes))
        bits = max(1, (len(known) - 1).bit_length())
        if n * bits > _KEY_BITS:
            table.update([piece[i : i + n] for i in starts.tolist()])
            return
        self._numbers[known] = np.arange(len(known), dtype=np.uint64)
        numbers = self._numbers[codes]
        keys = numbers[starts]
        for place in range(1, n):
            keys = (keys << np.uint64(bits)) | numbers[starts + place]
        found, times = _tally(keys, n * bits)
        letters = np.empty((len(found), n), dtype=np.uint32)
        for place in reversed(range(n)):
            letters[:, place] = known[found & np.uint64((1 << bits) - 1)]
            found = found >> np.uint64(bits)
        text = letters.tobytes().decode("utf-32-le")
        some = text if n == 1 else [text[i : i + n] for i in range(0, len(text), n)]
        known_count = table.get
        for gram, count in zip(some, times.tolist(), strict=True):
            table[gram] = known_count(gram, 0) + count


class _Tokens:
    """A character that is a word by itself is looked up; the tokenizer cuts each run once."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._characters = Characters(tokenizer.normalization if tokenizer.is_plain() else None)
        self._cache: dict[str, list[str]] = {}

    def pieces(self, text: str) -> Iterator[str]:
        start = 0
        while len(text) - start > PIECE:
            end = text.rfind("\n", start, start + PIECE) + 1 or text.find("\n", start) + 1
            if not end:
                break
            yield text[start:end]
            start = end
        yield text[start:]

    def count(self, piece: str, table: Counter[str]) -> None:
        codes = code_points(piece)
        kinds = self._characters.kinds(codes)
        alone, times = _tally(codes[kinds == ALONE].astype(np.uint64), 21)
        firsts, ends = find_runs(kinds, np.zeros(0, dtype=np.int64))
        units = Counter([piece[a:b] for a, b in zip(firsts.tolist(), ends.tolist(), strict=True)])
        for code, count in zip(alone.tolist(), times.tolist(), strict=True):
            units[chr(code)] += count
        if len(self._cache) > _CACHE:
            self._cache.clear()
        new = [unit for unit in units if unit not in self._cache]
        for unit, one in zip(new, self._tokenizer.encode_batch(new, offsets=False), strict=True):
            self._cache[unit] = self._tokenizer.tokens(one.ids)
        for unit, count in units.items():
            for token in self._cache[unit]:
                table[token] = table.get(token, 0) + count


def _tally(
    keys: NDArray[np.uint64], bits: int
) -> tuple[NDArray[np.uint64], NDArray[np.signedinteger]]:
    """Different numbers of so many bits, and how often each comes."""
    if bits > 22:
        return np.unique(keys, return_counts=True)
    times = np.bincount(keys.astype(np.int64))
    found = np.flatnonzero(times)
    return found.astype(np.uint64), times[found]
