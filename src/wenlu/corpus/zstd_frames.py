"""Zstandard files, decompressed a block at a time.

A file of some kilobytes can hold gigabytes, so what one step takes is bounded by what it gives: a
block of RFC 8878 is at most 128 KiB when it is decompressed.
"""

import errno
import io
from typing import TYPE_CHECKING, Any

from wenlu.errors import MissingExtraError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LARGEST_WINDOW = 1 << 27
"""Bytes of earlier text that a frame may refer to: what the `zstd` program takes by itself."""

_MAGIC = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)
_RLE = 1
_STEP = 1 << 16


def need_zstandard(purpose: str) -> Any:  # noqa: ANN401
    """The package, or MissingExtraError where it is not installed.

    Args:
        purpose: what needs it, such as "reading a.zst".
    """
    try:
        import zstandard
    except ImportError:
        raise MissingExtraError("zstandard", "corpus", purpose) from None
    return zstandard


def window_within(memory: int) -> int:
    """The largest window for work that may take `memory` bytes; 8 MiB is what level 19 needs."""
    return max(1 << 23, min(LARGEST_WINDOW, memory // 8))


class ZstdFrames(io.RawIOBase):
    """The decompressed bytes of a zstandard file, which may hold several frames.

    A file that is damaged, cut short or wants too large a window raises OSError or EOFError. (The
    readers of the `zstandard` package end quietly where a file is cut short.)

    Args:
        file: the compressed file; it is closed with this one.
        window: bytes that the window of a frame may have.
    """

    def __init__(self, file: io.BufferedIOBase, window: int = LARGEST_WINDOW) -> None:
        self._file, self._window = file, window
        self._zstandard = need_zstandard("reading .zst files")
        self._decompressor = self._zstandard.ZstdDecompressor(max_window_size=window)
        self._frame: Any = None
        self._checksum = 0  # bytes after the last block
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        while not self._ready:
            if self._frame is not None:
                self._next_block()
            elif not self._next_frame():
                return 0
        room = memoryview(buffer).cast("B")
        count = min(len(room), len(self._ready))
        room[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def position(self) -> int:
        """Bytes of the compressed file that have been read."""
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()

    def _next_frame(self) -> bool:
        """Begin a frame; False at the end of the file."""
        magic = self._file.read(4)
        if not magic:
            return False
        if int.from_bytes(magic, "little") in _SKIPPABLE and len(magic) == 4:
            left = int.from_bytes(self._exactly(4), "little")
            while left:
                left -= len(self._exactly(min(left, _STEP)))
            return True
        if not _MAGIC.startswith(magic):
            raise OSError("no zstandard frame starts here")
        header = magic + self._exactly(5 - len(magic))
        header += self._exactly(self._zstandard.frame_header_size(header) - len(header))
        try:
            about = self._zstandard.get_frame_parameters(header)
        except self._zstandard.ZstdError as error:
            raise OSError(str(error)) from None
        if about.dict_id:
            raise _unsupported(f"it needs dictionary {about.dict_id}; decompress it first")
        if about.window_size > self._window:
            bits = (about.window_size - 1).bit_length()
            raise _unsupported(
                f"it needs a window of {about.window_size / 1e6:,.0f} MB, more than the "
                f"{self._window / 1e6:,.0f} MB that may be used; decompress it first, with "
                f"zstd -d --long={bits}, or allow more memory"
            )
        self._checksum = 4 if about.has_checksum else 0
        self._frame = self._decompressor.decompressobj()
        self._feed(header)
        return True

    def _next_block(self) -> None:
        head = self._exactly(3)
        about = int.from_bytes(head, "little")
        last, kind, size = about & 1, about >> 1 & 3, about >> 3
        if size > self._zstandard.BLOCKSIZE_MAX:
            raise OSError("a block of the frame is too large")
        data = head + self._exactly(1 if kind == _RLE else size)
        self._feed(data + self._exactly(self._checksum) if last else data)
        if last:
            if not self._frame.eof:
                raise OSError("the frame does not end after its last block")
            self._frame = None

    def _feed(self, data: bytes) -> None:
        try:
            self._ready = memoryview(self._frame.decompress(data))
        except self._zstandard.ZstdError as error:
            raise OSError(str(error)) from None

    def _exactly(self, count: int) -> bytes:
        data = self._file.read(count)
        if len(data) < count:
            raise EOFError("the file ends in the middle of a zstandard frame")
        return data


def _unsupported(problem: str) -> OSError:
    """The error for a file that is whole, but cannot be read here."""
    return OSError(errno.ENOTSUP, problem)
