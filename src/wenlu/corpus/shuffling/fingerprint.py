"""A number for a multiset of records, which does not depend on their order."""

import numpy as np
from numpy.typing import NDArray

from wenlu.randomness import Keys, mix

_AT_ONCE = 1 << 14
_FACTORS = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xD1342543DE82EF95),
    np.uint64(0xAF251AF3B0F025B5),
    np.uint64(0xF1357AEA2E62A9C5),
)


def fingerprint(
    data: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    counted: NDArray[np.bool_] | None = None,
) -> int:
    """The sum, modulo 2^64, of a hash of each record.

    What is hashed is the length of the record and eight bytes each from its beginning, its middle
    and its end. That costs the same however long the records are; it finds records that are lost,
    doubled, cut or joined, but not a single byte that changes elsewhere in a long record.

    Args:
        data: the bytes of all records.
        bounds: where each begins, and at last where the last one ends.
        counted: whether a record counts; by default all do.
    """
    if len(data) < 8:
        data = np.concatenate([data, np.zeros(8, np.uint8)])
    words = np.ndarray(len(data) - 7, "<u8", data, strides=(1,))
    total = 0
    for start in range(0, len(bounds) - 1, _AT_ONCE):
        part = bounds[start : start + _AT_ONCE + 1]
        first, lengths = part[:-1], np.diff(part)
        hidden = np.maximum(lengths - 8, 0)  # bytes after the first eight
        sum_ = lengths.astype(np.uint64) * _FACTORS[0]
        for place, factor in zip(
            (first, first + hidden // 2, first + hidden), _FACTORS[1:], strict=True
        ):
            sum_ += _bytes_at(words, place, lengths) * factor
        hashes = mix(sum_)
        if counted is not None:
            hashes = hashes[counted[start : start + _AT_ONCE]]
        total += int(hashes.sum(dtype=np.uint64))
    return total % 2**64


def _bytes_at(words: Keys, places: NDArray[np.int64], lengths: NDArray[np.int64]) -> Keys:
    """Eight bytes from each place on, as a number; of a shorter record, all that it has."""
    if lengths.min() >= 8:
        return words[places]
    inside = np.minimum(places, len(words) - 1)
    found = words[inside] >> ((places - inside) * 8).astype(np.uint64)
    cut = (8 * (8 - np.minimum(lengths, 8))).astype(np.uint64)
    return (found << cut) >> cut
