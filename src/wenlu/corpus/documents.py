"""Documents of raw text, one after the other, from files of any size."""

import io
from collections.abc import Iterator, Sequence
from contextlib import closing
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from wenlu.corpus.compressed import COMPRESSIONS, position
from wenlu.corpus.json_text import json_object
from wenlu.corpus.lines import decode, read_lines, too_long
from wenlu.corpus.records import Record, check_there
from wenlu.errors import DataError

LONGEST = 16 << 20
"""Bytes that a document may have, as it stands in its file."""

ROWS, _PLAIN = (".jsonl", ".ndjson"), (".txt",)
DOCUMENTS = (*ROWS, *_PLAIN)
"""What the names of files end in that `read_documents` reads."""


class Document(NamedTuple):
    """A text, where it comes from, and how far the reading has got."""

    text: str

    source: str
    """What its row says in `source`, or the name of its file."""

    read: int
    """Bytes of all files read so far, as they lie on the disk."""


def check_documents(
    files: Sequence[str | PathLike[str]], kinds: Sequence[str] = DOCUMENTS
) -> list[Path]:
    """The files, each of a kind that `read_documents` reads (or one of `kinds`), and there."""
    paths = [Path(file) for file in files]
    if not paths:
        raise DataError("no files came; give one or more files of text")
    for path in paths:
        check_there(path, kinds)
        if _kind(path) not in kinds:
            raise DataError(
                f"files that end in {_kind(path) or 'no suffix'!r} cannot be read as text; those "
                f"in {', '.join(kinds)} can, also with {' or '.join(COMPRESSIONS)} "
                "after it",
                file=path,
            )
    return paths


def read_documents(
    files: Sequence[str | PathLike[str]], *, field: str = "text"
) -> Iterator[Document]:
    """The documents of files, in their order.

    `.jsonl` and `.ndjson`: an object a line, its text in `field`, its source, if it says one, in
    `source`. `.txt`: blank lines stand between documents, and a line is a paragraph, as BERT's own
    tools have it; in a file without blank lines each line is a document, as `datasets` and
    SentencePiece have it. Any of them may end in `.gz` or `.zst`.

    Raises:
        DataError: a file or a row cannot be read, a document has more than 16 MiB, or a file has
            no text; says which line, and what would do.
    """
    before = 0
    for path in check_documents(files):
        reader = _read_plain(path) if _kind(path) in _PLAIN else _read_texts(path, field)
        found = False
        for text, source, read in reader:
            found = True
            yield Document(text, source or path.name, before + read)
        if not found:
            raise DataError("the file has no text", file=path)
        before += path.stat().st_size


def _kind(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes] or [""]
    return suffixes[-2] if len(suffixes) > 1 and suffixes[-1] in COMPRESSIONS else suffixes[-1]


def _read_texts(path: Path, field: str) -> Iterator[Document]:
    for row, read in read_rows(path):
        if field not in row.fields:
            has = ", ".join(map(repr, row.fields)) or "none"
            problem = f"the row has no such field; say which of its fields is the text: {has}"
            raise row.error(problem, field)
        yield Document(row.text(field), source_of(row), read)


def read_rows(path: Path) -> Iterator[tuple[Record, int]]:
    """The rows of a JSONL file, each with the bytes that were read by then."""
    watched: list[io.BufferedIOBase] = []
    with closing(read_lines(path, longest=LONGEST, opened=watched.append)) as lines:
        for number, raw in lines:
            line = decode(path, number, raw)
            if not line or line.isspace():
                continue
            yield Record(json_object(path, number, line), path, number), position(watched[0])


def source_of(row: Record) -> str:
    """Where a row says that it is from; empty if it does not."""
    source = row.get("source")
    return source if isinstance(source, str) else ""


def _read_plain(path: Path) -> Iterator[Document]:
    between = _has_blank_lines(path)
    watched: list[io.BufferedIOBase] = []
    paragraphs: list[str] = []
    size = first = 0
    with closing(read_lines(path, longest=LONGEST, opened=watched.append)) as lines:
        for number, raw in lines:
            line = decode(path, number, raw)
            blank = not line or line.isspace()
            if paragraphs and (blank or not between):
                yield Document("\n".join(paragraphs), "", position(watched[0]))
                paragraphs, size = [], 0
            if blank:
                continue
            if not paragraphs:
                first = number
            paragraphs.append(line)
            size += len(raw)
            if size > LONGEST:
                raise too_long(path, first, "document", LONGEST)
        if paragraphs:
            yield Document("\n".join(paragraphs), "", path.stat().st_size)


def _has_blank_lines(path: Path) -> bool:
    """Whether a blank line stands between two others."""
    text = gap = False
    with closing(read_lines(path, longest=LONGEST)) as lines:
        for _, raw in lines:
            blank = not raw.decode(errors="replace").strip()
            if text and gap and not blank:
                return True
            text, gap = text or not blank, gap or (text and blank)
    return False
