"""Which files are read."""

from collections.abc import Sequence
from os import PathLike
from typing import NamedTuple

from wenlu.corpus.blocks import named, text_files
from wenlu.corpus.compressed import COMPRESSIONS
from wenlu.corpus.documents import DOCUMENTS
from wenlu.corpus.places import STDIN, Place, Url, size_of
from wenlu.corpus.records import check_there
from wenlu.errors import DataError


class Inputs(NamedTuple):
    """The files, in the order in which they are read."""

    files: list[Place]

    sizes: list[int | None]
    """Bytes of each as it lies there; None if that cannot be known before it is read."""

    @property
    def size(self) -> int | None:
        """Bytes of all; None if that cannot be known before they are read."""
        return None if None in self.sizes else sum(size for size in self.sizes if size)

    @property
    def compressed(self) -> int:
        """Bytes of it that are compressed."""
        pairs = zip(self.files, self.sizes, strict=True)
        return sum(size or 0 for path, size in pairs if path.suffix.lower() in COMPRESSIONS)


def find_inputs(inputs: Sequence[str | PathLike[str]]) -> Inputs:
    """Files of any kind; of folders, the text files in them, in the order of their paths.

    Raises:
        DataError: a file is not there, or a folder holds something that is no text.
    """
    if not inputs:
        raise DataError("no files came; give one or more files or folders")
    files: list[Place] = []
    for given in named(inputs):
        if given == STDIN:
            files.append(given)
        elif given.is_dir():
            files += text_files([given], DOCUMENTS)
        elif isinstance(given, Url) or given.exists():
            files.append(given)  # what is wrong with a URL is said when its size is looked up
        else:
            check_there(given)
    if files.count(STDIN) > 1:
        raise DataError("standard input (-) can be read only once")
    return Inputs(files, [size_of(path) for path in files])
