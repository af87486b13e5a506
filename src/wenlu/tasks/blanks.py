"""Texts with blanks as token ids: one blank is marked, and what surrounds it is kept."""

import re
from collections.abc import Sequence

import numpy as np

from wenlu.errors import DataError
from wenlu.tasks.choices import Arranged, Question
from wenlu.tasks.task import Notes
from wenlu.text import Tokenizer

ASKED = "#idiom#"
"""The blank that a question is about; others of its text are numbered."""
TAG = re.compile(r"#idiom\d*#")
OTHER = 4
"""How many [MASK] stand for another blank."""
_SPECIAL = 4
"""[CLS], two [SEP] and the mark."""
_SLICE = 1024
"""Questions that are cut into tokens at once."""


def arrange(
    questions: Sequence[Question],
    tokenizer: Tokenizer,
    max_length: int,
    notes: Notes,
    *,
    choice_first: bool,
) -> Arranged:
    """[CLS] choice [SEP] text with the mark [SEP] for each choice, or the other way round."""
    mark, mask = [mark_token(tokenizer)], [tokenizer.mask_id] * OTHER
    if mark == [tokenizer.mask_id]:
        notes["blanks marked with [MASK], as the vocabulary has no [unused1]"] += len(questions)
    choices = list(dict.fromkeys(choice for q in questions for choice in q.choices))
    encodings = tokenizer.encode_batch(choices, offsets=False)
    numbers = {choice: number for number, choice in enumerate(choices)}
    texts = [np.asarray(e.ids[: max_length - _SPECIAL], np.int32) for e in encodings]
    rows, cut, shares = [], 0, [(tokenizer.unknown_share(encodings), sum(map(len, encodings)))]
    for start in range(0, len(questions), _SLICE):
        some = questions[start : start + _SLICE]
        split = [TAG.split(_checked(q.texts[0])) for q in some]
        pieces = tokenizer.encode_batch([p for each in split for p in each], offsets=False)
        shares.append((tokenizer.unknown_share(pieces), sum(map(len, pieces))))
        left = iter(pieces)
        for q, each in zip(some, split, strict=True):
            parts = [next(left).ids for _ in each]
            behind = 1 + TAG.findall(q.texts[0]).index(ASKED)
            used = [numbers[choice] for choice in q.choices]
            room = max_length - _SPECIAL - max(len(texts[number]) for number in used)
            kept = around(parts[:behind], parts[behind:], room)
            cut += kept != (parts[:behind], parts[behind:])
            ids = [*_joined(kept[0], mask), *mark, *_joined(kept[1], mask)]
            pairs = [((number, len(texts[number])), (len(texts), len(ids))) for number in used]
            rows.append(np.asarray(pairs, np.int32)[:, :: 1 if choice_first else -1])
            texts.append(np.asarray(ids, np.int32))
    total = sum(count for _, count in shares)
    unknown = sum(share * count for share, count in shares) / max(1, total)
    return Arranged(texts, rows, cut, unknown)


def _checked(text: str) -> str:
    if text.count(ASKED) != 1:
        raise DataError(
            f"{text!r} has {ASKED} {text.count(ASKED)} times; it must stand there once, where the "
            "blank is that is asked about (others are numbered: #idiom1#)"
        )
    return text


def mark_token(tokenizer: Tokenizer) -> int:
    """What marks the blank that is asked about: [unused1], or else the first token like it.

    A vocabulary without any gets a single [MASK]; another blank is four of them.
    """
    unused = (i for i, token in enumerate(tokenizer.vocabulary) if _UNUSED.fullmatch(token))
    if "[unused1]" in tokenizer.vocabulary:
        return tokenizer.vocabulary.index("[unused1]")
    return next(unused, tokenizer.mask_id)


_UNUSED = re.compile(r"\[unused\d+\]")


def around(
    before: list[list[int]], behind: list[list[int]], room: int
) -> tuple[list[list[int]], list[list[int]]]:
    """The pieces of a text next to a blank, such that they fit and the blank is in the middle.

    The side that is longer loses the token that is farthest from the blank, again and again; a
    piece of one token goes with the other blank beside it, which is as long as `OTHER` tokens.

    Args:
        before: tokens of the pieces before the blank; other blanks stand between them.
        behind: those of the pieces behind it.
        room: how long both sides may be, with other blanks, but without the blank itself.
    """
    # Far pieces first on both sides: sizes[-1] is next to the blank and never goes as a whole.
    sides = [[len(piece) for piece in before], [len(piece) for piece in reversed(behind)]]
    totals = [sum(sizes) + OTHER * (len(sizes) - 1) for sizes in sides]
    while sum(totals) > max(0, room):
        longer = 0 if totals[0] > totals[1] else 1
        sizes = sides[longer]
        if sizes[0] > 1 or len(sizes) == 1:
            sizes[0] -= 1
            totals[longer] -= 1
        else:
            totals[longer] -= sizes.pop(0) + OTHER
    left, right = sides
    kept_before = before[len(before) - len(left) :]
    kept_behind = behind[: len(right)]
    first, last = kept_before[0], kept_behind[-1]
    kept_before = [first[len(first) - left[0] :], *kept_before[1:]]
    kept_behind = [*kept_behind[:-1], last[: right[0]]]
    return kept_before, kept_behind


def _joined(pieces: list[list[int]], between: list[int]) -> list[int]:
    found = list(pieces[0])
    for piece in pieces[1:]:
        found += [*between, *piece]
    return found
