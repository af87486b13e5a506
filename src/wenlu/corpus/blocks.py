"""Text files of any size as blocks of whole lines, for work that several processes share."""

import io
import json
import zlib
from collections.abc import Iterator, Sequence
from os import PathLike
from typing import NamedTuple

from wenlu.corpus.compressed import COMPRESSIONS, open_bytes, position
from wenlu.corpus.documents import DOCUMENTS
from wenlu.corpus.lines import too_long
from wenlu.corpus.places import STDIN, Place, Url, size_of, to_place
from wenlu.corpus.records import check_there, not_a_file
from wenlu.corpus.zstd_frames import LARGEST_WINDOW
from wenlu.errors import DataError

BLOCK = 1 << 20
"""Bytes of a block, of which the last line may have more."""


class Block(NamedTuple):
    """Some lines of a file, as its bytes have them."""

    path: Place

    first: int
    """The number of its first line, counted from 1."""

    data: bytes

    read: int
    """Bytes of all files read so far, as they lie on the disk."""

    kind: str
    """What the name of the file ends in; of standard input, what it seems to be."""


def read_blocks(
    paths: Sequence[Place], longest: int, window: int = LARGEST_WINDOW
) -> Iterator[Block]:
    """The lines of files, about a mebibyte at a time; all of them end with a line end but the last.

    Args:
        paths: files, which may be compressed.
        longest: bytes that a line may have, its end included; a longer one is an error.
        window: bytes that the window of a .zst file may have.

    Raises:
        DataError: a file cannot be read or a compressed one is damaged; says where.
    """
    before = 0
    for path in paths:
        first, read, found = 1, 0, kind(path)
        for data, read in _read(path, longest, window):
            if len(data) > longest:
                _check_lines(path, first, data, longest)
            if path == STDIN and first == 1:
                found = ".jsonl" if _is_object(data) else ".txt"
            yield Block(path, first, data, before + read, found)
            first += data.count(b"\n")
        before += size_of(path) or read


def text_files(places: Sequence[str | PathLike[str]], kinds: Sequence[str]) -> list[Place]:
    """The files that places name: a folder stands for what is in it, in the order of the names.

    Args:
        places: files and folders.
        kinds: what the names of files must end in, .gz or .zst aside; any will do if it is empty,
            and for standard input, which is `-`.

    Raises:
        DataError: there is no such file, or one of another kind.
    """
    if not places:
        raise DataError("no files came; give one or more files of text")
    found: list[Place] = []
    for place in named(places):
        if place == STDIN:
            found.append(place)
            continue
        if not place.is_dir():
            if isinstance(place, Url):
                place.size()  # or an error that says what is wrong
            else:
                check_there(place, DOCUMENTS)
            if kinds and kind(place) not in kinds:
                raise DataError(
                    f"files that end in {kind(place) or 'no suffix'!r} cannot be read as text; "
                    f"those in {', '.join(kinds)} can, also with {' or '.join(COMPRESSIONS)} "
                    "after it",
                    file=place,
                )
            found.append(place)
            continue
        inside = inside_of(place)
        others = [path for path in inside if kinds and kind(path) not in kinds]
        if others or not inside:
            names = ", ".join(str(path)[len(str(place).rstrip("/")) + 1 :] for path in others[:3])
            problem = (
                f"the folder also has {len(others)} files of other kinds, such as {names}; name "
                f"the files to read instead, such as {place}/*{kinds[0]}"
                if others
                else "the folder has no files"
            )
            raise DataError(problem, file=place)
        found += inside
    return found


def named(places: Sequence[str | PathLike[str]]) -> Iterator[Place]:
    """Each place; a URL may have wild cards in it, which no shell knows."""
    for place in map(to_place, places):
        if isinstance(place, Url):
            yield from place.matches()
        else:
            yield place


def inside_of(folder: Place) -> list[Place]:
    """All files in a folder and in those in it, hidden ones aside, in the order of their paths.

    Raises:
        DataError: something in it is neither a file nor a folder, such as a link to nowhere, or a
            folder cannot be read: nothing is skipped silently.
    """
    if isinstance(folder, Url):
        return [*folder.inside()]
    found: list[Place] = []
    try:
        for path in folder.iterdir():
            if path.name.startswith("."):
                continue
            if path.is_file():
                found.append(path)
            elif path.is_dir() and not path.is_symlink():
                found += inside_of(path)
            else:
                raise not_a_file(path)
    except OSError as error:
        raise DataError(f"the folder cannot be read: {error.strerror}", file=folder) from error
    return sorted(found)


def kind(path: Place) -> str:
    """What the name of a file ends in, in small letters and without .gz or .zst."""
    suffixes = [suffix.lower() for suffix in path.suffixes] or [""]
    return suffixes[-2] if len(suffixes) > 1 and suffixes[-1] in COMPRESSIONS else suffixes[-1]


def _read(path: Place, longest: int, window: int) -> Iterator[tuple[bytes, int]]:
    """Blocks, each with how far the file was read; one may have a line that is too long."""
    file: io.BufferedIOBase | None = None
    try:
        with _open(path, window) as file:
            read = 0
            while data := file.read(BLOCK):
                if not data.endswith(b"\n"):
                    data += file.readline(longest + 1)
                read += len(data)
                yield data, read if path == STDIN else position(file)
    except (OSError, EOFError, zlib.error) as error:
        if isinstance(error, OSError) and error.strerror:
            problem = f"the file cannot be read: {error.strerror}"
        else:
            size = size_of(path)
            place = size if file is None or file.closed else position(file)
            problem = (
                f"the compressed file is damaged or cut short at or before byte {place or 0:,} of "
                f"{size or 0:,} ({error}); fetch it again"
            )
        raise DataError(problem, file=path) from error


def _open(path: Place, window: int) -> io.BufferedIOBase:
    return open(0, "rb", closefd=False) if path == STDIN else open_bytes(path, window=window)


def _is_object(data: bytes) -> bool:
    """Whether the first line that is not blank is a JSON object."""
    line = data.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")[0]
    try:
        return line.startswith(b"{") and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _check_lines(path: Place, first: int, data: bytes, longest: int) -> None:
    for number, line in enumerate(data.splitlines(keepends=True), first):
        if len(line) > longest:
            raise too_long(path, number, "line", longest)
