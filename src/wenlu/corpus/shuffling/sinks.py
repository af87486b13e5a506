"""Where shuffled records go."""

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol, runtime_checkable

from wenlu.atomic import atomic_write
from wenlu.corpus.compressed import COMPRESSIONS
from wenlu.corpus.shuffling.buckets import write_at
from wenlu.errors import MissingExtraError


@runtime_checkable
class Sink(Protocol):
    """Takes the shuffled bytes."""

    any_order: bool
    """Whether threads may write at several places at once; else bytes come in their order."""

    def write(self, data: memoryview, at: int) -> None:
        """Take bytes, and where they begin."""


class FileSink:
    """A file on the disk."""

    any_order = True

    def __init__(self, file: int) -> None:
        self._file = file

    def write(self, data: memoryview, at: int) -> None:
        write_at(self._file, data, at)


class StreamSink:
    """Anything that bytes can be written to one after the other."""

    any_order = False

    def __init__(self, file: Any) -> None:  # noqa: ANN401
        self._file = file

    def write(self, data: memoryview, at: int) -> None:  # noqa: ARG002
        while data:
            data = data[self._file.write(data) :]


@contextmanager
def open_sink(out: Path | None) -> Iterator[Sink]:
    """A file that appears when all is written, compressed if its name says so, or stdout."""
    if out is None:
        with open(1, "wb", buffering=0, closefd=False) as stdout:
            yield StreamSink(stdout)
        return
    with atomic_write(out, "wb") as file:
        if out.suffix.lower() not in COMPRESSIONS:
            yield FileSink(file.fileno())
            return
        with _compressor(out, file) as packed:
            yield StreamSink(packed)


def need_zstandard(out: Path) -> None:
    """Raise unless zstandard is there."""
    try:
        import zstandard  # noqa: F401
    except ImportError:
        raise MissingExtraError("zstandard", "corpus", f"writing {out}") from None


def _compressor(out: Path, file: IO[bytes]) -> Any:  # noqa: ANN401
    if out.suffix.lower() == ".gz":
        return gzip.GzipFile("", "wb", 6, file, mtime=0)
    import zstandard

    threads = min(4, os.cpu_count() or 1)
    return zstandard.ZstdCompressor(level=3, threads=threads).stream_writer(file, closefd=False)
