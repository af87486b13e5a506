"""Rows of different lengths in one flat array.

Axes: b row, n values of all rows, p values of the rows taken, s position.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Ragged:
    """Rows of different lengths, one behind another.

    Args:
        values: of all rows: (n ...).
        counts: how many of them each row has: (b).
    """

    def __init__(self, values: NDArray[Any], counts: NDArray[np.int64]) -> None:
        self.values, self.counts = values, counts
        self.starts: NDArray[np.int64] = np.cumsum(counts) - counts
        """Where each row begins among the values."""

    @classmethod
    def from_rows(cls, rows: Sequence[Any], dtype: DTypeLike, *shape: int) -> "Ragged":
        """Of sequences or arrays, whose values have that shape: none for numbers."""
        arrays = [np.asarray(row, dtype).reshape(-1, *shape) for row in rows]
        counts = np.fromiter(map(len, arrays), np.int64, len(arrays))
        return cls(np.concatenate([np.zeros((0, *shape), dtype), *arrays]), counts)

    def __len__(self) -> int:
        return len(self.counts)

    def take(self, rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """The values of those rows (p ...), and which of `rows` each belongs to (p)."""
        counts = self.counts[rows]
        shifts = self.starts[rows] - (np.cumsum(counts) - counts)
        places = np.repeat(shifts, counts)
        places += np.arange(len(places))
        return self.values[places], np.repeat(np.arange(len(rows)), counts)

    def padded(self, rows: NDArray[np.int64], fill: int, *, least: int = 0) -> NDArray[np.int64]:
        """Those rows (b s ...), filled up to the longest of them, or to `least` if that is more."""
        counts = self.counts[rows]
        columns = np.arange(counts.max(initial=least))
        real = columns < counts[:, None]  # (b s)
        found = np.full((*real.shape, *self.values.shape[1:]), fill, np.int64)
        found[real] = self.values[(self.starts[rows][:, None] + columns)[real]]
        return found


def fingerprint(*parts: Ragged | NDArray[Any] | bytes | None) -> bytes:
    """Of all that the parts hold, and of their order."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, Ragged):
            digest.update(fingerprint(part.counts, part.values))
        elif isinstance(part, np.ndarray):
            digest.update(repr((part.dtype.str, part.shape)).encode())
            digest.update(np.ascontiguousarray(part).data)
        else:
            digest.update(repr(part).encode())
    return digest.digest()
