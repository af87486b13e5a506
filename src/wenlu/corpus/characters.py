"""What single characters are to BERT's way of cutting text into words.

Hanzi and punctuation are words by themselves, white space is none and ends the words beside it;
whatever else, such as letters and digits, makes up runs that only the tokenizer can cut.
"""

import numpy as np
from numpy.typing import NDArray

from wenlu.corpus.sentences import BREAKS
from wenlu.text import Normalization

NEW, ALONE, SPACE, RUN = range(4)

_LETTER = "x"  # put on either side of a character, to see whether it ends words


class Characters:
    """The kinds of characters, each asked of the `tokenizers` library once.

    Args:
        normalization: a policy of BERT; None if text is cut in another way, so that only line
            breaks are known to end words.
    """

    def __init__(self, normalization: Normalization | None) -> None:
        from tokenizers.pre_tokenizers import BertPreTokenizer

        self._normalizer = None if normalization is None else normalization.to_library()
        self._splitter = BertPreTokenizer()
        self._table = np.full(0x110000, NEW, dtype=np.uint8)
        self._table[[ord(mark) for mark in BREAKS]] = SPACE

    def kinds(self, codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
        """ALONE, SPACE or RUN for each code point."""
        kinds = self._table[codes]
        if not kinds.all():
            self.learn(np.unique(codes[kinds == NEW]))
            kinds = self._table[codes]
        return kinds

    def learn(self, codes: NDArray[np.uint32]) -> None:
        """Find out about characters that have not come before."""
        self._table[codes] = [self._ask(chr(code)) for code in codes]

    def words(self, text: str) -> list[str]:
        """The words of a text, normalised, as WordPiece is given them."""
        if self._normalizer is not None:
            text = self._normalizer.normalize_str(text)
        return [word for word, _ in self._splitter.pre_tokenize_str(text)]

    def _ask(self, character: str) -> int:
        if self._normalizer is None:
            return RUN
        match self.words(f"{_LETTER}{character}{_LETTER}"):
            case [a, _, b] if a == b == _LETTER:
                return ALONE
            case [a, b] if a == b == _LETTER:
                return SPACE
        return RUN


def code_points(text: str) -> NDArray[np.uint32]:
    """The code points of a text."""
    return np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)


def find_runs(
    kinds: NDArray[np.uint8], starts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where runs start, and where they have ended; none goes on across one of `starts`."""
    runs = kinds == RUN
    joined = runs[1:] & runs[:-1]  # (characters - 1): in one run with the next
    joined[starts[starts > 0] - 1] = False
    firsts = np.flatnonzero(runs & ~np.concatenate(([False], joined)))
    return firsts, np.flatnonzero(runs & ~np.concatenate((joined, [False]))) + 1
