"""The lines of a text file, plain or compressed, and what is said where they are no text."""

import io
import zlib
from collections.abc import Callable, Generator
from functools import partial

from wenlu.corpus.compressed import open_bytes
from wenlu.corpus.places import Place
from wenlu.errors import DataError

# A line is decoded only when it is used: (number, bytes), blank ones included.
Lines = Generator[tuple[int, bytes], None, None]
Row = tuple[int, dict[str, object]]
"""The line on which a row starts, and its fields."""


def read_lines(
    path: Place,
    *,
    longest: int | None = None,
    opened: Callable[[io.BufferedIOBase], None] | None = None,
) -> Lines:
    """The lines of a file, numbered from 1, without a byte order mark.

    Args:
        path: the file, which may be compressed.
        longest: bytes that a line may have, its end included; a longer one is an error.
        opened: is given the file once it is open, to watch how far it has been read.
    """
    number = 0
    try:
        with open_bytes(path) as file:
            if opened is not None:
                opened(file)
            lines = file if longest is None else iter(partial(file.readline, longest + 1), b"")
            for number, raw in enumerate(lines, 1):
                if longest is not None and len(raw) > longest:
                    raise too_long(path, number, "line", longest)
                yield number, raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
    except (OSError, EOFError, zlib.error) as error:
        if isinstance(error, OSError) and error.strerror:
            problem = f"the file cannot be read: {error.strerror}"
        else:
            problem = (
                f"the compressed file is damaged or cut short after line {number} ({error}); "
                "fetch it again"
            )
        raise DataError(problem, file=path) from error


def too_long(path: Place, number: int, what: str, longest: int) -> DataError:
    """The error for a line or document of more than `longest` bytes."""
    return DataError(
        f"the {what} that starts here has more than {longest >> 20} MiB; is it text? Break it "
        "into documents of at most that length",
        file=path,
        line=number,
    )


def decode(path: Place, number: int, raw: bytes, *, end: bool = False) -> str:
    """A line as text, without its line end unless `end`."""
    if number == 1 and raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError("the file is UTF-16; save it as UTF-8", file=path, line=number)
    if b"\0" in raw:
        raise DataError(
            f"a NUL byte stands at byte {raw.index(0) + 1} of the line; the file is damaged or "
            "not UTF-8. Remove the byte, or save the file as UTF-8",
            file=path,
            line=number,
        )
    if not end:
        raw = raw.removesuffix(b"\n").removesuffix(b"\r")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        problem = f"not UTF-8: byte {raw[error.start]:#04x} at byte {error.start + 1} of the line. "
        if error.reason == "unexpected end of data":
            problem += "The line ends inside a character; was the file cut short?"
        elif _is_gb18030(raw):
            problem += (
                "It reads as GB18030, so convert the file: "
                f"iconv -f GB18030 -t UTF-8 {path.name} > utf8-{path.name}"
            )
        else:
            problem += "Save the file as UTF-8"
        raise DataError(problem, file=path, line=number) from None


def _is_gb18030(raw: bytes) -> bool:
    try:
        raw.decode("gb18030")
    except UnicodeDecodeError:
        return False
    return True
