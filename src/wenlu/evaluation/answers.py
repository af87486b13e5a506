"""Scores of answers that are pieces of a text, as the benchmarks' own scripts work them out."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from wenlu.errors import DataError
from wenlu.evaluation.english_words import english_words


@dataclass(frozen=True, slots=True)
class AnswerMetric:
    """How near an answer comes to the nearest of its references."""

    plain: Callable[[str], str]
    """What is left of an answer when case and punctuation do not count."""
    cut: Callable[[str], list[str]]
    """The units of what is left: hanzi, and the words between them."""

    def exact_match(self, references: Sequence[str], answer: str) -> bool:
        """Whether the answer is one of the references, up to what does not count."""
        return self.plain(answer) in [self.plain(reference) for reference in _some(references)]

    def f1(self, references: Sequence[str], answer: str) -> float:
        """Harmonic mean of the shares of answer and reference that their longest common stretch is.

        A stretch is contiguous: units of the one in the order of the other, none between them.
        """
        units = self.cut(self.plain(answer))
        return max(
            stretch_f1(self.cut(self.plain(reference)), units) for reference in _some(references)
        )


def stretch_f1(reference: Sequence[str], answer: Sequence[str]) -> float:
    """F1 of the longest common stretch of two lists; 0 if they share nothing."""
    found = SequenceMatcher(None, reference, answer, autojunk=False).find_longest_match()
    if not found.size:
        return 0.0
    precision, recall = found.size / len(answer), found.size / len(reference)
    return 2 * precision * recall / (precision + recall)


def _some(references: Sequence[str]) -> Sequence[str]:
    if not references:
        raise DataError("a question needs at least one reference answer to be scored by")
    return references


def _without(text: str, dropped: frozenset[str]) -> str:
    return "".join(character for character in text if character not in dropped)


# The official list has "……" as well, two characters that never equal one: … stays.
_CMRC_DROPPED = frozenset("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_CMRC_HANZI = re.compile("([\u4e00-\u9fa5])")


def _cmrc_plain(text: str) -> str:
    return _without(text.lower().strip(), _CMRC_DROPPED)


def _cmrc_cut(text: str) -> list[str]:
    parts = _CMRC_HANZI.split(text)  # runs of other text at even places, hanzi at odd ones
    return [
        unit
        for place, part in enumerate(parts)
        for unit in ([part] if place % 2 else english_words(part))
    ]


CMRC = AnswerMetric(_cmrc_plain, _cmrc_cut)
"""CMRC2018's script (cmrc2018_evaluate.py, version 5; CLUE ranks by its EM).

Lower case; white space at either end and the punctuation in `_CMRC_DROPPED` do not count. ASCII
, . ? ! ; and quotes do, as does white space inside. Words between hanzi are those of NLTK's English
tokenizer.
"""

_DUREADER_DROPPED = frozenset(":_`，。：？！()“”；’《》·、,「」（）－～『』|")
_DUREADER_HANZI = re.compile(
    "([\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002a6df\U0002a700-\U0002ceaf"
    "\U0002f800-\U0002fa1f=])"
)


def _dureader_plain(text: str) -> str:
    return _without(text.lower(), _DUREADER_DROPPED)


def _dureader_cut(text: str) -> list[str]:
    return [part for part in _DUREADER_HANZI.split(text) if part]


DUREADER = AnswerMetric(_dureader_plain, _dureader_cut)
"""DuReader-robust's script (evaluate.py; the competition ranks by its F1).

Lower case; the punctuation in `_DUREADER_DROPPED` does not count, white space does. What stands
between two hanzi (or "=") is one unit, white space included.
"""
