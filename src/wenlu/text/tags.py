"""Pieces of a text as a tag for every token: B- where one begins, I- inside, O outside.

Tag 0 is O; a piece of type t has 2t + 1 where it begins and 2t + 2 where it goes on.
"""

from collections.abc import Sequence

Piece = tuple[int, int, int]
"""Type, first and last token."""


def number_of_tags(types: int) -> int:
    """Those of so many types."""
    return 2 * types + 1


def to_tags(pieces: Sequence[Piece], length: int) -> tuple[list[int], list[Piece]]:
    """The tags of a text of `length` tokens, and the pieces that they cannot tell.

    A token has one tag, so of pieces that overlap one is told: the longest; of equally long ones
    the first, and of several types at one place the first type.
    """
    tags, lost = [0] * length, []
    for piece in sorted(pieces, key=lambda p: (p[1] - p[2], p[1], p[0])):
        kind, first, last = piece
        if any(tags[first : last + 1]):
            lost.append(piece)
        else:
            tags[first : last + 1] = [2 * kind + 1] + [2 * kind + 2] * (last - first)
    return tags, lost


def from_tags(tags: Sequence[int]) -> list[Piece]:
    """The pieces that tags tell, in order. An I- that goes on with no piece of its type is as O."""
    pieces: list[Piece] = []
    for place, tag in enumerate(tags):
        if tag % 2:
            pieces.append((tag // 2, place, place))
        elif tag and pieces and pieces[-1] == (tag // 2 - 1, pieces[-1][1], place - 1):
            pieces[-1] = (tag // 2 - 1, pieces[-1][1], place)
    return pieces
