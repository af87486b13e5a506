"""Texts of any length as rows of the model: [CLS] text [SEP], a row for each window of a long one.

What is marked in a text, or found in it, is moved between its tokens and those of a row by `Place`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from wenlu.tasks.task import Notes
from wenlu.text import Offsets, Tokenizer, Window, windows


class Place(NamedTuple):
    """Which tokens of which example a row has."""

    example: int
    window: Window
    offsets: Offsets
    """Of all examples."""


class Windowed(NamedTuple):
    """Texts as rows."""

    rows: list[list[int]]
    """Token ids, [CLS] and [SEP] included."""
    places: list[Place]
    """Of each row."""
    offsets: Offsets
    """Of the texts."""
    unknown_share: float
    """Share of [UNK] among all tokens."""


def windowed(
    texts: Sequence[str], tokenizer: Tokenizer, *, max_length: int, notes: Notes
) -> Windowed:
    """A row for each window of each text; neighbours share a quarter of their tokens.

    Args:
        texts: to be cut.
        tokenizer: the model's.
        max_length: tokens of a row at most.
        notes: how many texts needed more than one window is added to it.
    """
    encodings = tokenizer.encode_batch(texts)
    offsets, room = Offsets(encodings), max_length - 2
    places = [
        Place(number, window, offsets)
        for number, encoding in enumerate(encodings)
        for window in windows(len(encoding), room, room // 4)
    ]
    rows = [
        [tokenizer.cls_id, *encodings[number].ids[w.start : w.end], tokenizer.sep_id]
        for number, w, _ in places
    ]
    if long := sum(len(encoding) > room for encoding in encodings):
        notes[f"texts of more than {room} tokens, read in windows"] += long
    return Windowed(rows, places, offsets, tokenizer.unknown_share(encodings))
