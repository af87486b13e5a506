"""Plain, gzip and zstandard files, all read the same way."""

import gzip
import io
from os import PathLike
from typing import TYPE_CHECKING, Any

from wenlu.corpus.places import Place, Url, to_place
from wenlu.errors import MissingExtraError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

COMPRESSIONS = (".gz", ".zst")


def open_bytes(path: str | PathLike[str], *, suffix: str | None = None) -> io.BufferedIOBase:
    """Open a file, or what a URL names, to read its bytes, decompressed if its name says so.

    That is if it ends in .gz or .zst; a suffix that is given takes the place of that in its name.

    A compressed file that is damaged or cut short raises OSError, EOFError or zlib.error when its
    bad place is read, never a quiet end.
    """
    place = to_place(path)
    compression = (place.suffix if suffix is None else suffix).lower()
    if compression == ".gz":
        return _Gzip(_open(place))
    if compression == ".zst":
        try:
            import zstandard
        except ImportError:
            raise MissingExtraError("zstandard", "corpus", f"reading {path}") from None
        frames = zstandard.ZstdDecompressor(max_window_size=2**31)
        return io.BufferedReader(_Zstandard(_open(place), frames), 1 << 18)
    return _open(place)


def position(file: io.BufferedIOBase) -> int:
    """How many bytes of the file on the disk have been read, of one that `open_bytes` opened."""
    if isinstance(file, gzip.GzipFile):
        raw: Any = file.fileobj
        return raw.tell()
    if isinstance(file, io.BufferedReader) and isinstance(file.raw, _Zstandard):
        return file.raw.position()
    return file.tell()


def _open(place: Place) -> io.BufferedReader:
    return place.open() if isinstance(place, Url) else place.open("rb")


class _Gzip(gzip.GzipFile):
    """A gzip file that closes what it reads from."""

    def __init__(self, file: io.BufferedReader) -> None:
        super().__init__(fileobj=file, mode="rb")
        self._below = file

    def close(self) -> None:
        super().close()
        self._below.close()


class _Zstandard(io.RawIOBase):
    """The bytes of a zstandard file, which may hold several frames.

    The readers of the `zstandard` package end quietly where a file is cut short; this one does not.
    """

    def __init__(self, file: io.BufferedIOBase, frames: object) -> None:
        self._file = file
        self._frames: Any = frames
        self._frame: Any = None
        self._rest, self._ready = b"", memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        while not self._ready and self._advance():
            pass
        room = memoryview(buffer)
        count = min(len(room), len(self._ready))
        room[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _advance(self) -> bool:
        """Decompress a little more; False at the end."""
        chunk = self._rest or self._file.read(1 << 16)
        if not chunk:
            if self._frame is not None:
                raise EOFError("the file ends in the middle of a zstandard frame")
            return False
        if self._frame is None:
            self._frame = self._frames.decompressobj()
        try:
            self._ready = memoryview(self._frame.decompress(chunk))
        except Exception as error:
            raise OSError(str(error)) from None
        self._rest = self._frame.unused_data if self._frame.eof else b""
        if self._frame.eof:
            self._frame = None
        return True

    def position(self) -> int:
        """Bytes of the compressed file that have been read."""
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()
