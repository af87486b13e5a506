"""A corpus as tokens on the disk, read through memory maps."""

import hashlib
import json
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wenlu.errors import DataError
from wenlu.text import Tokenizer

SUMMARY = "corpus.json"
FORMAT = 1
ARRAYS = ("tokens", "word_starts", "sentences", "documents", "document_sources")


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenStatistics:
    """What went into a corpus of tokens, and what came out."""

    documents: int
    """Documents with tokens."""

    dropped: int
    """Documents without any."""

    sentences: int

    tokens: int

    words: int
    """Tokens that start a word."""

    characters: int
    """Characters of the text, line breaks aside."""

    unknown: int
    """Tokens that are [UNK]."""

    bytes: int
    """Size of the files that were read, as they lie on the disk."""

    @property
    def unknown_share(self) -> float:
        """The share of [UNK] among the tokens."""
        return self.unknown / self.tokens


class TokenCorpus:
    """A corpus that `write_tokens` has made; nothing of it is read before it is used.

    Args:
        folder: where it lies.
    """

    tokens: NDArray[np.unsignedinteger]
    """(n): ids of all tokens, one sentence after the other."""

    word_starts: NDArray[np.bool_]
    """(n): whether a token starts a word; pieces (`##ing`) and later hanzi of a word do not."""

    sentences: NDArray[np.int64]
    """(s + 1): sentence i is `tokens[sentences[i] : sentences[i + 1]]`; none is empty."""

    documents: NDArray[np.int64]
    """(d + 1): document i is the sentences from `documents[i]` up to `documents[i + 1]`."""

    document_sources: NDArray[np.int32]
    """(d): which of `sources` a document is from."""

    def __init__(self, folder: str | PathLike[str]) -> None:
        self.folder = Path(folder)
        state = _read_summary(self.folder)
        self.sources: list[str] = state["sources"]
        self.statistics = TokenStatistics(**state["statistics"])
        self.fingerprint: str = state["fingerprint"]
        """The same for the same tokens, words and documents under the same vocabulary."""
        self.vocabulary_fingerprint: str = state["vocabulary"]
        """`vocabulary_fingerprint(tokenizer)` of the tokenizer that made it."""
        self.groups: bool = state.get("groups", False)
        """Whether its documents are groups of similar sentences."""
        made = self.statistics
        sizes = (made.tokens, made.tokens, made.sentences + 1, made.documents + 1, made.documents)
        for name, size in zip(ARRAYS, sizes, strict=True):
            setattr(self, name, _map(self.folder / f"{name}.npy", size))

    def __repr__(self) -> str:
        made = self.statistics
        return f"TokenCorpus({made.tokens:,} tokens, {made.documents:,} documents, {self.folder})"

    def __reduce__(self) -> tuple[type["TokenCorpus"], tuple[Path]]:
        return TokenCorpus, (self.folder,)  # another process maps the files, too

    def tokenizer(self) -> Tokenizer:
        """The tokenizer that made it."""
        return Tokenizer.from_folder(self.folder / "tokenizer")


def vocabulary_fingerprint(tokenizer: Tokenizer) -> str:
    """A hash of the vocabulary and of how text is cut with it."""
    state = tokenizer.normalization
    how = asdict(state) if state is not None and tokenizer.is_plain() else tokenizer.to_json()
    content = json.dumps([tokenizer.vocabulary, how], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _read_summary(folder: Path) -> dict[str, Any]:
    path = folder / SUMMARY
    try:
        state = json.loads(path.read_bytes())
        if state["format"] == FORMAT:
            return state
    except FileNotFoundError:
        raise DataError(
            f"this is no corpus of tokens (it has no {SUMMARY}); make one with write_tokens",
            file=folder,
        ) from None
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror}", file=path) from None
    except (ValueError, KeyError, TypeError):
        raise DataError("the file is damaged; make the corpus again", file=path) from None
    raise DataError(
        f"the corpus has format {state['format']}, and this version reads {FORMAT}; make it again",
        file=path,
    )


def _map(path: Path, size: int) -> NDArray[Any]:
    try:
        array = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"the file is missing or damaged ({error}); make it again", file=path
        ) from None
    if array.shape != (size,):
        raise DataError(
            f"the file has shape {array.shape}, and {SUMMARY} says {size}; make it again", file=path
        )
    return np.asarray(array)  # still mapped; np.memmap itself is slow to index
