"""Records that find no room in a block: kept in a file by themselves, and copied piece by piece."""

import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from wenlu.corpus.temporary import truncate
from wenlu.errors import RunError


class LongRecord(NamedTuple):
    """Where a record lies, and the number that it is sorted by."""

    number: int
    at: int
    length: int
    crc: int

    @property
    def fingerprint(self) -> int:
        """Stands for the record in the sum over all."""
        return fingerprint_long(self.length, self.crc)


def fingerprint_long(length: int, crc: int) -> int:
    """A number for a record, of its length and the CRC-32 of all its bytes."""
    return (length * 0x9E3779B97F4A7C15 + crc * 0xD1342543DE82EF95) % 2**64


class LongRecords:
    """Long records in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._end = 0
        self.found: list[LongRecord] = []

    def state(self) -> list[list[int]]:
        """Where all of them are."""
        return [list(one) for one in self.found]

    def restore(self, state: list[list[int]]) -> None:
        """Go on with a file that is there, and cut off what came after the state was taken."""
        self.found = [LongRecord(*one) for one in state]
        self._end = sum(one.length for one in self.found)
        truncate(self._path, self._end)

    def add(self, number: int, pieces: Iterable[memoryview]) -> LongRecord:
        """Keep a record."""
        at, crc = self._end, 0
        try:
            with self._path.open("ab", buffering=0) as file:
                for piece in pieces:
                    rest = piece
                    while rest:
                        rest = rest[file.write(rest) :]
                    crc = zlib.crc32(piece, crc)
                    self._end += len(piece)
        except OSError as error:
            raise RunError(
                f"cannot write the temporary files in {self._path.parent.parent}: "
                f"{error.strerror}. Nothing was changed; free some space there, or give another "
                "folder as --temp."
            ) from error
        self.found.append(LongRecord(number, at, self._end - at, crc))
        return self.found[-1]

    def read(self, record: LongRecord) -> Iterator[memoryview]:
        """Its bytes, piece by piece."""
        with self._path.open("rb") as file:
            file.seek(record.at)
            left = record.length
            while left:
                piece = file.read(min(left, 1 << 20))
                if not piece:
                    raise RunError("a temporary file has become shorter; did someone change it?")
                left -= len(piece)
                yield memoryview(piece)
