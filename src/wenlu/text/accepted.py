"""What a `tokenizer.json` may ask for: only what works in proportion to the text.

The library would also run regular expressions that never end, and replacements that make a text
grow without bound, because a file of somebody else's says so.
"""

from collections.abc import Iterator, Mapping
from reprlib import repr as shortened
from typing import Any

from wenlu.errors import CheckpointError

_MOST_PARTS = 16
_LONGEST_WORD = 1_000
"""Characters of a word that is looked up at most. The work grows with their square."""

_NORMALIZERS = (
    "BertNormalizer",
    "Lowercase",
    "NFC",
    "NFD",
    "NFKC",
    "NFKD",
    "Nmt",
    "Strip",
    "StripAccents",
)
_PRE_TOKENIZERS = (
    "BertPreTokenizer",
    "CharDelimiterSplit",
    "Digits",
    "Punctuation",
    "UnicodeScripts",
    "Whitespace",
    "WhitespaceSplit",
)


def check_accepted(state: Mapping[str, Any], source: str) -> None:
    """Refuse the content of a `tokenizer.json` that asks for more.

    Raises:
        CheckpointError: a part is not known, or its work has no bound.
    """
    for kind, members, known in (
        ("normalizer", "normalizers", _NORMALIZERS),
        ("pre_tokenizer", "pretokenizers", _PRE_TOKENIZERS),
    ):
        for number, part in enumerate(_flat(state.get(kind), members)):
            if number == _MOST_PARTS:
                raise CheckpointError(f"{source}: the {kind} has more than {_MOST_PARTS} parts.")
            name = part.get("type") if isinstance(part, dict) else part
            if not isinstance(name, str) or not (
                name in known or (name in ("Replace", "Split") and _shrinks(part))
            ):
                raise CheckpointError(
                    f"{source}: the {kind} {shortened(part)} is not run. It can be one of "
                    f"{', '.join(known)}, or a Replace or Split of a plain string by none longer."
                )
    model = state.get("model")
    model = model if isinstance(model, dict) else {}
    _check_ids(model.get("vocab"), state.get("added_tokens"), source)
    longest = model.get("max_input_chars_per_word", 100)
    if not isinstance(longest, int) or not 0 < longest <= _LONGEST_WORD:
        raise CheckpointError(
            f"{source}: max_input_chars_per_word is {shortened(longest)}; it must be a whole "
            f"number from 1 to {_LONGEST_WORD}."
        )


def _check_ids(words: object, added: object, source: str) -> None:
    """Refuse ids that are far more than there are tokens: the library makes a table up to them."""
    ids = list(words.values()) if isinstance(words, dict) else []
    if isinstance(added, list):
        ids += [token.get("id") for token in added if isinstance(token, dict)]
    last = max((number for number in ids if isinstance(number, int)), default=0)
    if last >= 2 * len(ids) + 100:
        raise CheckpointError(f"{source} has {len(ids)} tokens, but ids as high as {last}.")


def _flat(part: object, members: str) -> Iterator[Any]:
    """The parts of a part: of a sequence its members, of those too; None has none."""
    waiting = [] if part is None else [part]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict) and part.get("type") == "Sequence":
            inner = part.get(members)
            if not isinstance(inner, list):
                yield part
            else:
                waiting += inner
        else:
            yield part


def _shrinks(part: Mapping[str, Any]) -> bool:
    """Whether it looks for a plain string, and puts nothing longer in its place."""
    pattern, content = part.get("pattern"), part.get("content", "")
    plain = pattern.get("String") if isinstance(pattern, dict) else None
    return isinstance(plain, str) and isinstance(content, str) and 0 < len(plain) >= len(content)
