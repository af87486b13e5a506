import random

from hypothesis import given
from hypothesis import strategies as st

from wenlu.text.tags import from_tags, number_of_tags, to_tags

TYPES, LENGTH = 3, 12
SPAN = st.tuples(st.integers(0, LENGTH - 1), st.integers(0, LENGTH - 1)).map(sorted)
PIECES = st.lists(
    st.builds(lambda t, span: (t, *span), st.integers(0, TYPES - 1), SPAN), unique=True, max_size=8
)


def test_worked_by_hand() -> None:
    assert to_tags([(0, 1, 2), (1, 3, 3)], 5) == ([0, 1, 2, 3, 0], [])
    assert from_tags([0, 1, 2, 3, 0]) == [(0, 1, 2), (1, 3, 3)]
    assert number_of_tags(217) == 435


def test_of_pieces_that_overlap_the_longest_is_told() -> None:
    tags, lost = to_tags([(0, 1, 2), (1, 2, 4), (2, 5, 5), (0, 5, 5)], 6)
    assert from_tags(tags) == [(1, 2, 4), (0, 5, 5)]
    assert lost == [(0, 1, 2), (2, 5, 5)]


def test_what_goes_on_with_nothing_is_nothing() -> None:
    assert from_tags([2, 0, 1, 4, 2, 2]) == [(0, 2, 2)]
    assert from_tags([1, 0, 2]) == [(0, 0, 0)]


@given(PIECES)
def test_what_is_told_comes_back_and_the_rest_is_lost(pieces: list[tuple[int, int, int]]) -> None:
    tags, lost = to_tags(pieces, LENGTH)
    assert len(tags) == LENGTH
    assert all(0 <= tag < number_of_tags(TYPES) for tag in tags)
    told = from_tags(tags)
    assert sorted([*told, *lost]) == sorted(pieces)
    covered = [place for _, first, last in told for place in range(first, last + 1)]
    assert len(set(covered)) == len(covered)
    for _, first, last in lost:  # something told is in its way, and not shorter
        assert any(a <= last and first <= b and b - a >= last - first for _, a, b in told)
    shuffled = random.Random(0).sample(pieces, len(pieces))
    assert to_tags(shuffled, LENGTH)[0] == tags


@given(st.lists(st.integers(0, 2 * TYPES), max_size=LENGTH))
def test_pieces_from_any_tags_are_apart_and_begin_where_a_b_stands(tags: list[int]) -> None:
    pieces = from_tags(tags)
    assert [first for _, first, _ in pieces] == [i for i, tag in enumerate(tags) if tag % 2]
    for number, (kind, first, last) in enumerate(pieces):
        assert all(last < following for _, following, _ in pieces[number + 1 :])
        assert tags[first + 1 : last + 1] == [2 * kind + 2] * (last - first)
        assert last + 1 >= len(tags) or tags[last + 1] != 2 * kind + 2
    clean, lost = to_tags(pieces, len(tags))
    assert not lost
    assert from_tags(clean) == pieces
