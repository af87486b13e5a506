"""A WordPiece vocabulary from raw Chinese text: its characters, and pieces of its Latin words."""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from os import PathLike

from wenlu.corpus.counts import LONGEST_WORD, TextCounts, count_text
from wenlu.errors import ConfigError
from wenlu.text import UNCASED, Normalization, Tokenizer
from wenlu.text.vocabulary import MASK, REQUIRED, UNKNOWN

_SPECIAL = (*REQUIRED, MASK)
_LATIN_SHARE = 0.15
_MOST_WORDS = 10_000_000  # Latin words that the trainer is shown: more are scaled down
_SLICE = 1 << 16  # texts


@dataclass(frozen=True, kw_only=True, slots=True)
class Vocabulary:
    """The tokens of a new vocabulary, and what was counted."""

    tokens: tuple[str, ...]

    hanzi: int

    punctuation: int

    signs: int
    """Characters of other kinds, alone and with `##`, digits and Latin letters not counted."""

    latin: int
    """Pieces of Latin words of more than one letter."""

    unused: int
    """Tokens [unusedN]: those asked for, and those for which the text has nothing better."""

    documents: int

    characters: int

    unknown_share: float
    """The share of [UNK] among the tokens of the text that was counted."""


def build_vocabulary(
    files: Sequence[str | PathLike[str]],
    size: int,
    *,
    field: str = "text",
    latin: int | None = None,
    min_count: int = 2,
    unused: int = 20,
    normalization: Normalization = UNCASED,
    progress: Callable[[int, int], None] | None = None,
) -> Vocabulary:
    """Make a vocabulary of exactly `size` tokens.

    In this order: special tokens; [unusedN]; hanzi; punctuation; digits and Latin letters, alone
    and with `##`; other signs, alone or with `##` as the text has them; pieces of Latin words.
    Hanzi, punctuation and signs each begin with the most frequent, and those that come equally
    often are in the order of their code points; so a text always gives the same vocabulary.

    Args:
        files: `.jsonl` or `.txt`, as `read_documents` reads them.
        size: how many tokens.
        field: which field of a row of JSONL is the text.
        latin: how many pieces of Latin words; None is 15 % of the size. Where the text has too few
            characters or too few pieces, the other kind gets the room.
        min_count: how often a character must come.
        unused: how many [unusedN] to keep free for tokens of later days.
        normalization: what happens to a text before it is cut: `UNCASED` or `CASED`.
        progress: is told how many bytes of how many have been read.

    Raises:
        ConfigError: `size` has no room for the tokens that every vocabulary has.
        DataError: a file or a row cannot be read, or there is no text in any.
    """
    letters = string.ascii_lowercase if normalization.lowercase else string.ascii_letters
    fixed = _with_pieces(string.digits) + _with_pieces(letters)
    latin = round(_LATIN_SHARE * size) if latin is None else latin
    room = size - len(_SPECIAL) - unused - len(fixed)
    _check(size, room, latin, min_count, unused)
    counts = count_text(files, normalization, field=field, progress=progress)
    alone = _count_alone(counts)
    parts, words = _count_runs(counts, letters)
    ranked = _ranked(alone + parts, min_count, without=fixed)
    most = max(latin, room - len(ranked))
    pieces = _latin_pieces(words, most, _with_pieces(letters), min_count)
    kept = ranked[: room - len(pieces)]
    unused += room - len(pieces) - len(kept)
    words_alone = [token for token in kept if token in alone]
    hanzi = [token for token in words_alone if unicodedata.category(token) == "Lo"]
    punctuation = [token for token in words_alone if unicodedata.category(token) != "Lo"]
    signs = [token for token in kept if token not in alone]
    spare = [f"[unused{number}]" for number in range(1, unused + 1)]
    tokens = (*_SPECIAL, *spare, *hanzi, *punctuation, *fixed, *signs, *pieces)
    return Vocabulary(
        tokens=tokens,
        hanzi=len(hanzi),
        punctuation=len(punctuation),
        signs=len(signs),
        latin=len(pieces),
        unused=unused,
        documents=counts.documents,
        characters=counts.characters,
        unknown_share=_unknown_share(counts, Tokenizer.from_tokens(tokens, normalization)),
    )


def _check(size: int, room: int, latin: int, min_count: int, unused: int) -> None:
    if min(latin, min_count, unused) < 0:
        raise ConfigError("latin, min_count and unused must be 0 or more")
    if room <= latin:
        raise ConfigError(
            f"a vocabulary of {size} tokens has no room for characters: special tokens, "
            f"{unused} unused ones, digits, Latin letters and {latin} pieces of Latin words take "
            f"{size - room + latin}. Take a larger size, or fewer pieces or unused ones."
        )


def _with_pieces(characters: str) -> list[str]:
    return [*characters, *(f"##{one}" for one in characters)]


def _count_alone(counts: TextCounts) -> Counter[str]:
    """The characters that are words by themselves: hanzi and punctuation."""
    alone: Counter[str] = Counter()
    for text, times in counts.alone():
        for word in counts.words(text):
            alone[word] += times
    return alone


def _count_runs(counts: TextCounts, letters: str) -> tuple[Counter[str], Counter[str]]:
    """The characters of runs, with `##` where they go on with a word; and Latin words.

    A word that has other characters too counts as far as its first letters reach.
    """
    parts: Counter[str] = Counter()
    latin: Counter[str] = Counter()
    head = re.compile(f"[{letters}]+")
    for text, times in counts.runs():
        for word in filter(_is_short, counts.words(text)):
            parts[word[0]] += times
            for character in word[1:]:
                parts[f"##{character}"] += times
            if found := head.match(word):
                latin[found[0]] += times
    return parts, latin


def _is_short(word: str) -> bool:
    """Whether WordPiece looks at a word at all."""
    return len(word) <= LONGEST_WORD


def _ranked(counts: Counter[str], least: int, *, without: Sequence[str]) -> list[str]:
    """The tokens that come at least `least` times, the most frequent first."""
    found = counts.keys() - set(without)
    # A vocab.txt says nothing of white space around a token.
    found = {token for token in found if counts[token] >= least and token.strip() == token}
    return sorted(found, key=lambda token: (-counts[token], token))


def _latin_pieces(words: Mapping[str, int], most: int, letters: list[str], least: int) -> list[str]:
    """Pieces of words, merged from letters the most frequent pair first, in that order."""
    from tokenizers import Tokenizer as Library
    from tokenizers.models import WordPiece
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from tokenizers.trainers import WordPieceTrainer

    scale = max(1.0, sum(words.values()) / _MOST_WORDS)
    library = Library(WordPiece(unk_token=UNKNOWN))
    library.pre_tokenizer = WhitespaceSplit()
    trainer = WordPieceTrainer(
        vocab_size=len(letters) + most,
        min_frequency=max(1, round(least / scale)),
        show_progress=False,
        special_tokens=letters,  # their ids, which order what is equally frequent, are then fixed
    )
    shown = (f"{word} " * round(times / scale) for word, times in sorted(words.items()))
    library.train_from_iterator(shown, trainer)
    ids = library.get_vocab(with_added_tokens=False)
    return sorted(ids.keys() - set(letters), key=lambda piece: ids[piece])[:most]


def _unknown_share(counts: TextCounts, tokenizer: Tokenizer) -> float:
    """The share of [UNK] among the tokens of the text."""
    texts = chain(counts.alone(), counts.runs())
    unknown = total = 0
    while some := list(islice(texts, _SLICE)):
        encodings = tokenizer.encode_batch([text for text, _ in some], offsets=False)
        for (_, times), one in zip(some, encodings, strict=True):
            unknown += times * one.ids.count(tokenizer.unknown_id)
            total += times * len(one)
    return unknown / total if total else 0.0
