"""Where a sentence that is too long is cut.

Source: the scripts of RoFormer-Sim, which do not cut in the middle of a clause if they need not.
"""

import numpy as np
from numpy.typing import NDArray

from wenlu.text import Tokenizer

_MARKS = ("，,", "；;", "。！？!?")
"""Punctuation, weakest first."""


class Shortening:
    """Cuts sentences after the strongest punctuation that fits, or between words.

    Marks weaker than the end of a sentence are left off. Between words is also where spaces were,
    which a token does not tell of; only a word that is too long by itself is cut apart.

    Args:
        tokenizer: that the text was tokenized with.
        room: tokens that are left at most.
    """

    def __init__(self, tokenizer: Tokenizer, room: int) -> None:
        self.room = room
        self._strength = np.zeros(len(tokenizer), np.int8)
        for number, token in enumerate(tokenizer.vocabulary):
            for strength, marks in enumerate(_MARKS, 1):
                if token and token in marks:
                    self._strength[number] = strength

    def __call__(self, tokens: NDArray[np.unsignedinteger], word_starts: NDArray[np.bool_]) -> int:
        """How many of the tokens of a sentence are kept."""
        if len(tokens) <= self.room:
            return len(tokens)
        strength = self._strength[tokens[: self.room]]
        strength[0] = 0  # so that something is left
        strongest = int(strength.max())
        if strongest:
            place = int(np.flatnonzero(strength == strongest)[-1])
            return place + (strongest == len(_MARKS))
        starts = np.flatnonzero(word_starts[1 : self.room + 1])
        return int(starts[-1]) + 1 if len(starts) else self.room
