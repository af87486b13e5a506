"""Which files are read."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from wenlu.corpus.blocks import text_files
from wenlu.corpus.compressed import COMPRESSIONS
from wenlu.corpus.documents import DOCUMENTS
from wenlu.corpus.shuffling.source import STDIN
from wenlu.errors import DataError


class Inputs(NamedTuple):
    """The files, in the order in which they are read."""

    files: list[Path]

    @property
    def size(self) -> int | None:
        """Bytes on the disk; None if that cannot be known before they are read."""
        if not all(path.is_file() for path in self.files):
            return None
        return sum(path.stat().st_size for path in self.files)

    @property
    def compressed(self) -> int:
        """Bytes of it that are compressed."""
        packed = (p for p in self.files if p.suffix.lower() in COMPRESSIONS and p.is_file())
        return sum(path.stat().st_size for path in packed)


def find_inputs(inputs: Sequence[str | PathLike[str]]) -> Inputs:
    """Files of any kind; of folders, the text files in them, in the order of their paths.

    Raises:
        DataError: a file is not there, or a folder holds something that is no text.
    """
    if not inputs:
        raise DataError("no files came; give one or more files or folders")
    files: list[Path] = []
    for given in map(Path, inputs):
        if given.is_dir():
            files += text_files([given], DOCUMENTS)
        elif given == STDIN or given.exists():
            files.append(given)
        else:
            raise DataError("there is no such file", file=given)
    if files.count(STDIN) > 1:
        raise DataError("standard input (-) can be read only once")
    return Inputs(files)
