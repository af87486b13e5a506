"""Texts around a blank: what is kept, and that it fits."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.assets import asset
from wenlu.errors import DataError
from wenlu.tasks.blanks import ASKED, OTHER, TAG, around, mark_token
from wenlu.tasks.choices import Question
from wenlu.tasks.clue import CHID
from wenlu.tasks.task import Notes
from wenlu.text import Tokenizer

TOKENIZER = Tokenizer.from_vocab(asset("vocabulary", "vocab.txt"))
IDIOMS = ("画蛇添足", "雪中送炭", "草木皆兵")


def size(before: Sequence[list[int]], behind: Sequence[list[int]]) -> int:
    sides = [sum(map(len, side)) + OTHER * (len(side) - 1) for side in (before, behind)]
    return sum(sides)


def described(
    before: list[list[int]], behind: list[list[int]], room: int
) -> tuple[list[list[int]], list[list[int]]]:
    """What the specification says, step by step, on the pieces themselves."""
    left, right = [list(p) for p in before], [list(p) for p in behind]
    while size(left, right) > max(0, room):
        if size(left, [[]]) > size([[]], right):
            if len(left[0]) <= 1 < len(left):
                del left[0]
            else:
                del left[0][0]
        elif len(right[-1]) <= 1 < len(right):
            del right[-1]
        else:
            del right[-1][-1]
    return left, right


pieces = st.lists(st.lists(st.integers(1, 9), max_size=12), min_size=1, max_size=4)


@given(pieces, pieces, st.integers(-3, 60))
def test_what_is_kept(before: list[list[int]], behind: list[list[int]], room: int) -> None:
    left, right = around(before, behind, room)
    assert (left, right) == described(before, behind, room)
    assert size(left, right) <= max(0, room)
    if size(before, behind) <= room:
        assert (left, right) == (before, behind)
    # It is what stands next to the blank.
    flat = [token for piece in before for token in [0, *piece]]
    kept = [token for piece in left for token in [0, *piece]][1:]
    assert kept == flat[len(flat) - len(kept) :]
    flat = [token for piece in behind for token in [*piece, 0]]
    kept = [token for piece in right for token in [*piece, 0]][:-1]
    assert kept == flat[: len(kept)]


@given(pieces, pieces, st.integers(0, 60))
def test_the_blank_is_in_the_middle(
    before: list[list[int]], behind: list[list[int]], room: int
) -> None:
    """A side that was cut is no shorter than the other by more than what goes at once."""
    left, right = around(before, behind, room)
    short, long = size(left, [[]]), size([[]], right)
    if left != before:
        assert short >= long - OTHER - 1
    if right != behind:
        assert long >= short - OTHER - 1


words = st.text(st.sampled_from("他在雨中等了一天，终于。AbC12 é가\u3000\u200d㍿[]#"), max_size=40)


@given(st.lists(words, min_size=2, max_size=6), st.data(), st.integers(12, 64), st.booleans())
def test_sequences(parts: list[str], data: st.DataObject, longest: int, first: bool) -> None:
    """One mark, four masks for each other blank that is left, never more tokens than allowed."""
    asked = data.draw(st.integers(0, len(parts) - 2))
    tags = [f"#idiom{number:06}#" for number in range(len(parts) - 1)]
    tags[asked] = ASKED
    text = "".join(part + tag for part, tag in zip(parts, [*tags, ""], strict=True))
    if len(TAG.findall(text)) != len(tags) or text.count(ASKED) != 1:
        return
    task = CHID if first else CHID.with_head("text-first")
    example = Question("0", (text,), 1, IDIOMS, text, "0")
    encoded = task.encode([example], TOKENIZER, max_length=longest, segments=True)
    batch = encoded.data.batch(np.arange(1))
    assert batch.ids.shape[0] == len(IDIOMS)
    assert batch.ids.shape[1] <= longest
    assert batch.targets.tolist() == [1]
    mark, [unused] = mark_token(TOKENIZER), TOKENIZER.ids(["[unused1]"])
    assert mark == unused
    for idiom, ids in zip(IDIOMS, batch.ids.tolist(), strict=True):
        one = TOKENIZER.ids(idiom)
        assert ids.count(mark) == 1
        masks = ids.count(TOKENIZER.mask_id)
        assert masks % OTHER == 0
        assert masks <= OTHER * (len(tags) - 1)
        sep = ids.index(TOKENIZER.sep_id)
        parts_of = (ids[1:sep], ids[sep + 1 : -1])
        assert parts_of[0 if first else 1] == one
        assert ids[0] == TOKENIZER.cls_id
    if not encoded.cut:
        assert masks == OTHER * (len(tags) - 1)


def test_the_budgets_of_the_description() -> None:
    """56, 52 and 48 characters of text for one, two and three blanks that are all still there."""
    for blanks, budget in ((1, 56), (2, 52), (3, 48)):
        share = budget // (blanks + 1)
        sizes = [share] * blanks + [budget - share * blanks]
        tags = [ASKED, "#idiom1#", "#idiom2#"][:blanks]
        parts = [(letter * count) for letter, count in zip("天地人心", sizes, strict=False)]
        text = "".join(part + tag for part, tag in zip(parts, [*tags, ""], strict=True))
        for more, cut in (("", 0), ("中", 1)):
            example = Question("0", (text + more,), None, IDIOMS, text, "0")
            encoded = CHID.encode([example], TOKENIZER, max_length=64, segments=False)
            batch = encoded.data.batch(np.arange(1))
            assert encoded.cut == cut
            assert batch.segments is None
            assert batch.ids.shape[1] == 64 or cut
            assert (batch.ids[0] == TOKENIZER.mask_id).sum() == OTHER * (blanks - 1)


def tokenizer(*more: str) -> Tokenizer:
    return Tokenizer.from_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *more])


def test_marks_of_vocabularies_without_the_usual_one() -> None:
    assert mark_token(tokenizer("[MASK]", "[unused7]", "[unused2]")) == 5
    assert mark_token(tokenizer("[MASK]", "[unused7]", "[unused1]")) == 6
    bare, notes = tokenizer("[MASK]", *"画蛇添足雪中送炭草木皆兵他在"), Notes()
    assert mark_token(bare) == bare.mask_id
    example = Question("0", (f"他{ASKED}在#idiom1#",), None, IDIOMS, "", "0")
    encoded = CHID.encode([example], bare, max_length=32, segments=False, notes=notes)
    assert notes == {"blanks marked with [MASK], as the vocabulary has no [unused1]": 1}
    tokens = bare.tokens(encoded.data.batch(np.arange(1)).ids[0].tolist())
    assert "".join(tokens) == "[CLS]画蛇添足[SEP]他[MASK]在" + "[MASK]" * OTHER + "[SEP]"


@pytest.mark.parametrize("text", ["没有空", f"{ASKED}和{ASKED}", "#idiom1#"])
def test_one_blank_is_asked_about(text: str) -> None:
    [example] = CHID.typed([(text, "画蛇添足|雪中送炭")])
    with pytest.raises(DataError, match="it must stand there once"):
        CHID.encode([example], TOKENIZER, max_length=64, segments=False)


def test_candidates_that_are_longer_than_all() -> None:
    long = ("长" * 50, "短")
    example = Question("0", (f"左边{ASKED}右边",), None, long, "", "0")
    batch = CHID.encode([example], TOKENIZER, max_length=16, segments=False).data.batch(
        np.arange(1)
    )
    assert batch.ids.shape[1] == 16
    assert (batch.ids == mark_token(TOKENIZER)).sum(1).tolist() == [1, 1]
