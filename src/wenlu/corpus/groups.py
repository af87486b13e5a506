"""Groups of similar sentences, one after the other, from JSONL files of any size."""

from collections.abc import Iterator, Sequence
from os import PathLike

from wenlu.corpus.documents import ROWS, Document, check_documents, read_rows, source_of
from wenlu.corpus.records import Record
from wenlu.corpus.sentences import BREAKS
from wenlu.errors import DataError

_SPACES = str.maketrans(BREAKS, " " * len(BREAKS))


def read_groups(files: Sequence[str | PathLike[str]]) -> Iterator[Document]:
    """The groups of files, in their order; a sentence of a group is a line of the document.

    A row holds a group of two in the fields `a` and `b`, or a group of any size in `texts`, a list
    of strings; where it is from may stand in `source`. Line breaks in a sentence become spaces.

    Raises:
        DataError: a file or a row cannot be read; says which line, and what would do.
    """
    before = 0
    for path in check_documents(files, ROWS):
        found = False
        for row, read in read_rows(path):
            found = True
            text = "\n".join(one.translate(_SPACES) for one in _texts(row))
            yield Document(text, source_of(row) or path.name, before + read)
        if not found:
            raise DataError("the file has no rows", file=path)
        before += path.stat().st_size


def _texts(row: Record) -> list[str]:
    if "texts" in row.fields:
        texts = row.get("texts")
        if not isinstance(texts, list):
            raise row.error("it must be a list of strings, the sentences of a group", "texts")
        named = {f"texts[{number}]": text for number, text in enumerate(texts)}
        whole = Record(named, row.file, row.line)
        return [whole.text(name) for name in named]
    missing = [name for name in ("a", "b") if name not in row.fields]
    if missing:
        has = ", ".join(map(repr, row.fields)) or "none"
        raise row.error(
            "the row has no such field; a group of similar sentences stands in the fields 'a' and "
            f"'b', or as a list in 'texts', and the fields of this row are {has}",
            missing[0],
        )
    return [row.text("a"), row.text("b")]
