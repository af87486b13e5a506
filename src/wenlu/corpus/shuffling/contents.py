"""A number for the whole content of a multiset of records."""

from collections.abc import Iterable
from hashlib import blake2b
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

LONG = 1 << 20


def content(data: NDArray[np.uint8], bounds: NDArray[np.int64], longest: int = LONG) -> int:
    """The sum, modulo 2^64, of a 64-bit hash of all bytes of each record.

    Python's own keyed hash (SipHash), so the sum means something in this process only;
    records of more than `longest` bytes as `content_of_long` does.
    """
    view = data.data
    places = bounds.tolist()
    total = 0
    for start, end in pairwise(places):
        piece = view[start:end]
        total += content_of_long([piece]) if end - start > longest else hash(bytes(piece))
    return total % 2**64


def content_of_long(pieces: Iterable[memoryview]) -> int:
    """The same for one long record."""
    found = blake2b(digest_size=8)
    for piece in pieces:
        found.update(piece)
    return int.from_bytes(found.digest(), "little")
