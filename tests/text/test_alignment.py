"""By property, over nasty strings and all policies of normalisation."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wenlu.text import Encoding, Offsets, Tokenizer, nearest, text_span, token_span

from .test_tokenizer import UNCASED_TOKENIZER, texts, tokenizers

Spans = list[tuple[int, int]]


def by_looking(offsets: Spans, start: int, end: int) -> tuple[int, int] | None:
    firsts = [i for i, (a, _) in enumerate(offsets) if a == start]
    lasts = [i for i, (_, b) in enumerate(offsets) if b == end]
    return (firsts[0], lasts[-1]) if firsts and lasts and firsts[0] <= lasts[-1] else None


@given(texts, tokenizers)
def test_offsets_are_in_order_and_no_token_is_empty(text: str, tokenizer: Tokenizer) -> None:
    """What the search in this file needs."""
    offsets = tokenizer.encode(text).offsets
    assert offsets is not None
    assert all(0 <= start < end <= len(text) for start, end in offsets)
    assert all(a <= c and b <= d for (a, b), (c, d) in pairwise(offsets))


@given(texts, tokenizers)
def test_every_span_of_a_text(text: str, tokenizer: Tokenizer) -> None:
    offsets = tokenizer.encode(text).offsets
    assert offsets is not None
    for start in range(len(text) + 1):
        for end in range(start + 1, len(text) + 1):
            found = token_span(offsets, start, end)
            assert found == by_looking(offsets, start, end)
            if found is not None:
                assert text_span(offsets, *found) == (start, end)


@given(texts, tokenizers)
def test_tokens_come_back_as_the_characters_that_they_stand_for(
    text: str, tokenizer: Tokenizer
) -> None:
    offsets = tokenizer.encode(text).offsets
    assert offsets is not None
    for first in range(len(offsets)):
        for last in range(first, len(offsets)):
            start, end = text_span(offsets, first, last)
            found = token_span(offsets, start, end)
            assert found is not None
            # Tokens of one character cannot be told apart, so that all of them are taken.
            assert found[0] <= first
            assert found[1] >= last
            assert text_span(offsets, *found) == (start, end)


@given(st.lists(texts, max_size=6), tokenizers, st.data())
def test_many_spans_of_many_texts_at_once(
    many: list[str], tokenizer: Tokenizer, data: st.DataObject
) -> None:
    encodings = tokenizer.encode_batch(many)
    offsets = Offsets(encodings)
    assert np.diff(offsets.begins).tolist() == [len(e) for e in encodings]
    if not many:
        return
    place = st.integers(-2, 60)
    asked = data.draw(st.lists(st.tuples(st.integers(0, len(many) - 1), place, place), max_size=20))
    asked += [(i, 0, len(text)) for i, text in enumerate(many)]
    numbers, starts, ends = np.array(asked).T
    firsts, lasts = offsets.tokens(numbers, starts, ends)
    for (number, start, end), first, last in zip(asked, firsts, lasts, strict=True):
        expected = by_looking(encodings[number].offsets or [], start, end)
        assert (first, last) == (expected or (-1, -1))
    found = firsts >= 0
    back = offsets.spans(numbers[found], firsts[found], lasts[found])
    np.testing.assert_array_equal(back, (starts[found], ends[found]))


def test_what_aligns_and_what_does_not() -> None:
    text = "在unaffable中  国\u200b的é"
    offsets = UNCASED_TOKENIZER.encode(text).offsets
    assert offsets is not None
    assert [text[a:b] for a, b in offsets][:4] == ["在", "un", "aff", "able"]
    place = text.index
    assert token_span(offsets, place("aff"), place("able") + 4) == (2, 3)
    assert token_span(offsets, place("ff"), place("able") + 4) is None  # inside a token
    assert token_span(offsets, place("中"), place("国") + 1) == (4, 5)
    assert token_span(offsets, place("中"), place("国")) is None  # spaces end no token
    assert token_span(offsets, place("国"), place("国")) is None  # nothing
    assert token_span(offsets, place("国"), place("中") + 1) is None  # backwards
    assert token_span([], 0, 1) is None


def test_no_texts_and_texts_without_tokens() -> None:
    none = np.zeros(0, np.int64)
    assert [len(x) for x in Offsets([]).tokens(none, none, none)] == [0, 0]
    empty = Offsets([Encoding([], []), Encoding([], [])])
    first, last = empty.tokens(np.array([0, 1]), np.array([0, 0]), np.array([0, 1]))
    assert first.tolist() == last.tolist() == [-1, -1]


@given(st.text("ab文", max_size=12), st.text("ab文", min_size=1, max_size=2), st.integers(-2, 14))
def test_the_nearest_place_of_a_piece(text: str, piece: str, place: int) -> None:
    places = [i for i in range(len(text)) if text.startswith(piece, i)]
    found = nearest(text, piece, place)
    assert (found is None) == (not places)
    if found is not None:
        assert found in places
        assert abs(found - place) == min(abs(i - place) for i in places)


def test_of_two_places_as_near_the_first() -> None:
    assert nearest("文a文", "文", 1) == 0
    assert nearest("文", "", 0) is None
