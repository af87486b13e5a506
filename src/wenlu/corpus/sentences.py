"""Sentences: where a text is cut so that models can read it in pieces."""

import re
from itertools import pairwise

BREAKS = "\n\r\u2028\u2029"
"""The characters that end a line."""

_ENDS, _CLOSERS = "。！？!?;；…", "”’」』）》】"
_END = re.compile(f"[{_ENDS}][{_ENDS}{_CLOSERS}]*|[{BREAKS}]+")
_LINE_END = re.compile(f"[{BREAKS}]+")


def split_sentences(text: str) -> list[str]:
    """The sentences of a text; those of one line, put together, are that line.

    A sentence ends with its line, or after 。！？!?;；… and whatever of these and of closing quotes
    and brackets follows. A full stop of Latin text ends none: it stands in numbers and names too.
    """
    starts = sentence_starts(text)
    pieces = (text[a:b].rstrip(BREAKS) for a, b in pairwise([*starts, len(text)]))
    return [piece for piece in pieces if piece]


def sentence_starts(text: str) -> list[int]:
    """Where sentences start: 0, and wherever one has ended before the end of the text.

    What lies between two starts ends with its line break, or is nothing but line breaks.
    """
    return _starts(text, _END)


def line_starts(text: str) -> list[int]:
    """The same for lines, whatever stands in them."""
    return _starts(text, _LINE_END)


def _starts(text: str, end: re.Pattern[str]) -> list[int]:
    starts = [0, *(found.end() for found in end.finditer(text))]
    if starts[-1] == len(text) > 0:
        starts.pop()
    return starts
