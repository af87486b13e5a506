"""Vocabularies as files: one token a line, its id the number of the line.

Google's reader, `transformers` and the `tokenizers` library differ in what they strip from a line,
but agree that *every* line uses up an id. So do we: only a line feed ends a line, white space
around a token goes, and a line of nothing but white space keeps its id as a token no text reaches.
"""

from collections.abc import Sequence
from pathlib import Path

from wenlu.errors import CheckpointError
from wenlu.text.files import VOCABULARY, read_small

PAD, UNKNOWN, CLS, SEP, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
REQUIRED = (PAD, UNKNOWN, CLS, SEP)


def read_utf8(path: Path) -> str:
    """The text of a checkpoint's file, without a byte order mark."""
    try:
        return read_small(path, VOCABULARY).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CheckpointError(
            f"{path} is not UTF-8: byte {error.object[error.start]:#04x} at offset {error.start}. "
            "Fetch the file again, or save it as UTF-8."
        ) from None


def read_vocabulary(path: Path) -> list[str]:
    """The tokens of a `vocab.txt`, by id."""
    lines = read_utf8(path).split("\n")
    if lines[-1] == "":  # what follows the last line feed is no line
        lines.pop()
    return [line.strip() or line.removesuffix("\r") for line in lines]


def check_vocabulary(tokens: Sequence[str], source: str) -> None:
    """Refuse a vocabulary that is empty, names a token twice, or lacks a special token."""
    if not tokens:
        raise CheckpointError(f"{source} is empty; a vocabulary has one token a line.")
    first: dict[str, int] = {}
    twice = []
    for number, token in enumerate(tokens):
        if first.setdefault(token, number) != number and token.strip():
            twice.append(f"{token!r} (ids {first[token]} and {number})")
    if twice:
        more = f" and {len(twice) - 3} more" if len(twice) > 3 else ""
        raise CheckpointError(
            f"{source} names tokens twice: {', '.join(twice[:3])}{more}. A token has one id; "
            "rename the copy that the model was not trained with to [unusedN]."
        )
    if missing := [token for token in REQUIRED if token not in first]:
        raise CheckpointError(
            f"{source} lacks {', '.join(missing)}; a BERT vocabulary needs {', '.join(REQUIRED)}. "
            "Is it another model's file, or one with other names for them?"
        )
