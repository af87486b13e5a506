"""What ends a line: any bytes, one or several."""

import numpy as np
from numpy.typing import NDArray

from wenlu.errors import ConfigError

_LONGEST = 1000  # bytes


class Separator:
    """Bytes that end a line.

    As `bytes.split` has it, the first one from the left counts, and the next one begins after it.

    Args:
        text: the bytes.
    """

    def __init__(self, text: bytes) -> None:
        if not 0 < len(text) <= _LONGEST:
            raise ConfigError(
                f"the separator must have from 1 to {_LONGEST:,} bytes; got {len(text):,}"
            )
        self._text = text
        self.overlaps = any(text[:size] == text[-size:] for size in range(1, len(text)))
        r"""Whether one may begin before another has ended, as in \n\n."""

    def __len__(self) -> int:
        return len(self._text)

    def find(
        self,
        buffer: NDArray[np.uint8],
        start: int,
        stop: int,
        tail: int,
        flags: NDArray[np.bool_],
    ) -> NDArray[np.int64]:
        """Where separators end in a part of a buffer.

        Args:
            buffer: the bytes.
            start: where the part begins.
            stop: where it ends.
            tail: how many bytes before `start` belong to no separator.
            flags: at least as many as the part is long; what is in it is lost.
        """
        size = len(self._text)
        if size == 1:
            flags = flags[: stop - start]
            np.equal(buffer[start:stop], self._text[0], out=flags)
            ends = np.flatnonzero(flags)
            ends += start + 1
            return ends
        low = start - min(tail, size - 1)
        part = buffer[low:stop]
        begins = np.flatnonzero(part[size - 1 :] == self._text[-1])
        for place, byte in enumerate(self._text[:-1]):
            begins = begins[part[begins + place] == byte]
        if self.overlaps and len(begins) > 1 and np.diff(begins).min() < size:
            begins = _apart(begins, size)
        return begins + (low + size)

    def missing(self, end: bytes) -> bytes:
        r"""What a last line without a separator is given.

        That is the separator; or the rest of it where its beginning is there already, of one that
        may overlap: `a\n` is given one `\n` more to end in `\n\n`, so that it is one line again
        whenever it is read.

        Args:
            end: the last bytes of the line, as many as the separator has but one.
        """
        whole = end + self._text
        return whole[len(end) : whole.find(self._text) + len(self._text)]


def _apart(begins: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Those that are left if the first one from the left always counts."""
    kept, free = [], 0
    for begin in begins.tolist():
        if begin >= free:
            kept.append(begin)
            free = begin + size
    return np.array(kept, np.int64)
