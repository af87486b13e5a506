"""From raw text to a corpus of tokens: whole documents, in order, each sentence and word known."""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

from wenlu.atomic import atomic_folder
from wenlu.corpus.cutting import Cut, token_type
from wenlu.corpus.documents import DOCUMENTS, ROWS, Document, check_documents, read_documents
from wenlu.corpus.groups import read_groups
from wenlu.corpus.parallel import cores, cut_batches
from wenlu.corpus.token_corpus import (
    ARRAYS,
    FORMAT,
    SUMMARY,
    TokenCorpus,
    TokenStatistics,
    vocabulary_fingerprint,
)
from wenlu.errors import ConfigError, DataError
from wenlu.text import Tokenizer

__all__ = ["TokenCorpus", "TokenStatistics", "write_tokens"]

_BATCH = 1 << 19  # characters


def write_tokens(
    files: Sequence[str | PathLike[str]],
    tokenizer: Tokenizer,
    out: str | PathLike[str],
    *,
    field: str = "text",
    groups: bool = False,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> TokenStatistics:
    """Cut the documents of files into tokens, and write them as a folder for `TokenCorpus`.

    What comes out depends neither on `workers` nor on how the files are compressed; only some
    documents are held in memory at a time. The folder appears whole or not at all.

    Args:
        files: `.jsonl` or `.txt`, as `read_documents` reads them.
        tokenizer: cuts the sentences into tokens.
        out: the folder to make.
        field: which field of a row of JSONL is the text.
        groups: take each row for a group of similar sentences, as `read_groups` reads them; a
            group becomes a document, and what it holds becomes its sentences, however long.
        workers: how many processes cut; None is one a core.
        progress: is told how many bytes of how many have been read and cut.

    Raises:
        DataError: a file or a row cannot be read, or there is no text in any.
        RunError: the folder exists already or cannot be written.
    """
    if workers is not None and workers < 1:
        raise ConfigError(f"workers is {workers}; it must be 1 or more, or None for all cores")
    paths = check_documents(files, ROWS if groups else DOCUMENTS)
    size = sum(path.stat().st_size for path in paths)
    with atomic_folder(out) as folder:
        tokenizer.save(folder / "tokenizer")
        batches = _Batches(read_groups(paths) if groups else read_documents(paths, field=field))
        with ExitStack() as open_files:
            writer = _Writer(folder, tokenizer, open_files)
            cuts = cut_batches(batches, folder / "tokenizer", workers or cores(), by_line=groups)
            for cut in open_files.enter_context(closing(cuts)):
                sources, read = batches.taken.popleft()
                writer.add(cut, sources)
                if progress is not None:
                    progress(min(read, size), size)
            if not writer.counts["tokens"]:
                names = ", ".join(map(str, paths[:3])) + (", ..." if len(paths) > 3 else "")
                raise DataError(f"{names}: no document has a single token; is there any text?")
            return writer.finish(size, groups)


class _Batches:
    """The texts of some documents at a time; what else is known of them stays here."""

    def __init__(self, documents: Iterator[Document]) -> None:
        self._documents = documents
        self.taken: deque[tuple[list[str], int]] = deque()
        """Sources of each batch that is not written yet, and the bytes read up to its end."""

    def __iter__(self) -> Iterator[list[str]]:
        texts: list[str] = []
        sources: list[str] = []
        held = 0
        for text, source, read in self._documents:
            texts.append(text)
            sources.append(source)
            held += len(text) + 1
            if held > _BATCH:
                self.taken.append((sources, read))
                yield texts
                texts, sources, held = [], [], 0
        if texts:
            self.taken.append((sources, read))
            yield texts


class _Writer:
    """The arrays of a corpus, growing."""

    def __init__(self, folder: Path, tokenizer: Tokenizer, files: ExitStack) -> None:
        self._folder = folder
        self._vocabulary = vocabulary_fingerprint(tokenizer)
        types: tuple[DTypeLike, ...] = (
            token_type(tokenizer),
            np.bool_,
            np.int64,
            np.int64,
            np.int32,
        )
        self._arrays = {
            name: files.enter_context(closing(_GrowingArray(folder / f"{name}.npy", kind)))
            for name, kind in zip(ARRAYS, types, strict=True)
        }
        self._arrays["sentences"].add(np.zeros(1))
        self._arrays["documents"].add(np.zeros(1))
        self._sources: dict[str, int] = {}
        names = ("documents", "dropped", "sentences", "tokens", "words", "characters", "unknown")
        self.counts = dict.fromkeys(names, 0)

    def add(self, cut: Cut, sources: list[str]) -> None:
        """Append what documents have become."""
        counts, arrays = self.counts, self._arrays
        kept = np.flatnonzero(cut.documents)
        arrays["tokens"].add(cut.tokens)
        arrays["word_starts"].add(cut.word_starts)
        arrays["sentences"].add(counts["tokens"] + np.cumsum(cut.sentences))
        arrays["documents"].add(counts["sentences"] + np.cumsum(cut.documents[kept]))
        numbers = [self._sources.setdefault(sources[i], len(self._sources)) for i in kept]
        arrays["document_sources"].add(np.array(numbers))
        counts["documents"] += len(kept)
        counts["dropped"] += len(sources) - len(kept)
        counts["sentences"] += len(cut.sentences)
        counts["tokens"] += len(cut.tokens)
        counts["words"] += int(np.count_nonzero(cut.word_starts))
        counts["characters"] += cut.characters
        counts["unknown"] += cut.unknown

    def finish(self, size: int, groups: bool) -> TokenStatistics:
        """Write what is known only at the end."""
        hashes = [array.finish() for array in self._arrays.values()]
        content = "\n".join([self._vocabulary, *hashes])
        statistics = TokenStatistics(**self.counts, bytes=size)
        summary = {
            "format": FORMAT,
            "fingerprint": hashlib.sha256(content.encode()).hexdigest()[:16],
            "vocabulary": self._vocabulary,
            "groups": groups,
            "statistics": asdict(statistics),
            "sources": list(self._sources),
        }
        text = json.dumps(summary, indent=1) + "\n"  # a source may hold half a character: escape it
        (self._folder / SUMMARY).write_text(text, encoding="utf-8")
        return statistics


class _GrowingArray:
    """A one-dimensional `.npy` file whose length is known only at the end."""

    _HEADER = 128  # bytes, whatever the length

    def __init__(self, path: Path, kind: DTypeLike) -> None:
        self._file = path.open("wb")
        self._file.write(bytes(self._HEADER))
        self._type, self._length = np.dtype(kind), 0
        self._hash = hashlib.blake2b(digest_size=16)

    def add(self, values: NDArray[np.generic]) -> None:
        content = np.ascontiguousarray(values, dtype=self._type).data
        self._file.write(content)
        self._hash.update(content)
        self._length += len(values)

    def finish(self) -> str:
        """Write the header and return a hash of the content."""
        self._file.seek(0)
        header = {
            "descr": np.lib.format.dtype_to_descr(self._type),
            "fortran_order": False,
            "shape": (self._length,),
        }
        np.lib.format.write_array_header_1_0(self._file, header)
        if self._file.tell() != self._HEADER:
            raise AssertionError("numpy's header has another length than expected")
        self._file.close()
        return self._hash.hexdigest()

    def close(self) -> None:
        self._file.close()
