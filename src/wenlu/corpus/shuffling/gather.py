"""Records copied out of a buffer in another order."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wenlu.errors import MissingExtraError

SLICE = 1 << 20
"""Bytes that are copied together: they are still in the processor's cache when they are written."""


class Piece(NamedTuple):
    """Some records, one after the other."""

    at: int
    """Where they begin among all."""

    data: memoryview

    records: slice
    """Which they are among all, in the new order."""


def need_arrow() -> None:
    """Raise unless pyarrow is there."""
    try:
        import pyarrow.compute  # noqa: F401
    except ImportError:
        raise MissingExtraError("pyarrow", "corpus", "shuffling") from None


def gather(
    data: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    order: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> Iterator[Piece]:
    """The records of a buffer in some order, about a megabyte at a time.

    Args:
        data: the bytes of all records.
        bounds: where each begins, and at last where the last one ends.
        order: which comes first, second, ...
        ends: where each ends in the new order.
    """
    import pyarrow as pa

    buffers = [None, pa.py_buffer(bounds), pa.py_buffer(data)]
    records = pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(bounds) - 1, buffers)
    view = data.data
    first = at = 0
    while first < len(order):
        last = int(np.searchsorted(ends, at + SLICE, "right"))
        if last <= first + 1:  # one record, perhaps a large one: not copied
            last = first + 1
            which = int(order[first])
            piece = view[int(bounds[which]) : int(bounds[which + 1])]
        else:
            # Not pa.array(...), which would import pandas if it is there.
            some = [None, pa.py_buffer(order[first:last])]
            taken = records.take(pa.Int64Array.from_buffers(pa.int64(), last - first, some))
            piece = memoryview(taken.buffers()[2]).cast("B")[: int(ends[last - 1]) - at]
        yield Piece(at, piece, slice(first, last))
        first, at = last, int(ends[last - 1])
