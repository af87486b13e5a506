"""Plain, gzip and zstandard files, all read the same way."""

import gzip
import io
from os import PathLike
from typing import Any

from wenlu.corpus.places import Place, Url, to_place
from wenlu.corpus.zstd_frames import LARGEST_WINDOW, ZstdFrames, need_zstandard

COMPRESSIONS = (".gz", ".zst")


def open_bytes(
    path: str | PathLike[str], *, suffix: str | None = None, window: int = LARGEST_WINDOW
) -> io.BufferedIOBase:
    """Open a file, or what a URL names, to read its bytes, decompressed if its name says so.

    A compressed file that is damaged or cut short raises OSError, EOFError or zlib.error when its
    bad place is read, never a quiet end.

    Args:
        path: decompressed if it ends in .gz or .zst.
        suffix: what decides instead of the end of the name.
        window: bytes that a .zst file may want to hold of what came before; OSError for more.
    """
    place = to_place(path)
    compression = (place.suffix if suffix is None else suffix).lower()
    if compression == ".gz":
        return _Gzip(_open(place))
    if compression == ".zst":
        need_zstandard(f"reading {path}")
        return io.BufferedReader(ZstdFrames(_open(place), window), 1 << 18)
    return _open(place)


def position(file: io.BufferedIOBase) -> int:
    """How many bytes of the file on the disk have been read, of one that `open_bytes` opened."""
    if isinstance(file, gzip.GzipFile):
        raw: Any = file.fileobj
        return raw.tell()
    if isinstance(file, io.BufferedReader) and isinstance(file.raw, ZstdFrames):
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
