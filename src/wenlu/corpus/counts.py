"""How often each character and each run of letters comes in raw text, of any size."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from os import PathLike

import numpy as np

from wenlu.corpus.characters import ALONE, Characters, code_points, find_runs
from wenlu.corpus.documents import check_documents, read_documents
from wenlu.corpus.sentences import BREAKS
from wenlu.errors import DataError
from wenlu.text import Normalization

_BATCH = 1 << 19  # characters
_MOST_RUNS = 2_000_000
LONGEST_WORD = 100  # characters; WordPiece takes a longer word for unknown


class TextCounts:
    """What words a text is made of, as WordPiece is given them.

    Args:
        normalization: what happens to a text before it is cut into words.
    """

    def __init__(self, normalization: Normalization) -> None:
        self.normalization = normalization
        self._characters = Characters(normalization)
        self._alone = np.zeros(0x110000, dtype=np.int64)
        self._runs: Counter[str] = Counter()
        self.documents = self.characters = 0

    def add(self, texts: Sequence[str]) -> None:
        """Count some documents."""
        text = "\n".join(texts)
        codes = code_points(text)
        kinds = self._characters.kinds(codes)
        alone, times = np.unique(codes[kinds == ALONE], return_counts=True)
        self._alone[alone] += times
        firsts, ends = find_runs(kinds, np.zeros(0, dtype=np.int64))
        ends = np.minimum(ends, firsts + LONGEST_WORD + 1)  # enough to be too long
        self._runs.update([text[a:b] for a, b in zip(firsts, ends, strict=True)])
        if len(self._runs) > _MOST_RUNS:
            self._forget()
        self.documents += len(texts)
        self.characters += len(text) - sum(text.count(mark) for mark in BREAKS)

    def alone(self) -> Iterator[tuple[str, int]]:
        """Every character that is a word by itself, and how often it came."""
        for code in np.flatnonzero(self._alone).tolist():
            yield chr(code), int(self._alone[code])

    def runs(self) -> Iterator[tuple[str, int]]:
        """Every run of other characters, and how often it came."""
        yield from sorted(self._runs.items())

    def words(self, text: str) -> list[str]:
        """The words of a text, normalised."""
        return self._characters.words(text)

    def _forget(self) -> None:
        """Drop the rarest runs, so that half of the room is free again."""
        rare = sorted(self._runs.values())[len(self._runs) // 2]
        self._runs = Counter({run: n for run, n in self._runs.items() if n > rare})


def count_text(
    files: Sequence[str | PathLike[str]],
    normalization: Normalization,
    *,
    field: str = "text",
    progress: Callable[[int, int], None] | None = None,
) -> TextCounts:
    """Count the documents of files, which `read_documents` reads.

    At most two million different runs of letters and digits are held in memory; where there are
    more, those that have come least are forgotten.

    Raises:
        DataError: a file or a row cannot be read, or there is no text in any.
    """
    paths = check_documents(files)
    size = sum(path.stat().st_size for path in paths)
    counts = TextCounts(normalization)
    texts: list[str] = []
    held = 0
    for text, _, read in read_documents(paths, field=field):
        texts.append(text)
        held += len(text) + 1
        if held > _BATCH:
            counts.add(texts)
            texts, held = [], 0
            if progress is not None:
                progress(read, size)
    counts.add(texts)
    if not any(counts.words(text) for text, _ in chain(counts.alone(), counts.runs())):
        names = ", ".join(map(str, paths[:3])) + (", ..." if len(paths) > 3 else "")
        raise DataError(f"{names}: no document has a single word; is there any text?")
    if progress is not None:
        progress(size, size)
    return counts
