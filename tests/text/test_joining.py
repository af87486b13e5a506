from hypothesis import given
from hypothesis import strategies as st

from wenlu.text.joining import share, shares

lengths = st.integers(0, 40)


def shorten(first: int, second: int, room: int) -> tuple[int, int]:
    """What `share` promises, step by step."""
    while first + second > room:
        if first > second:
            first -= 1
        else:
            second -= 1
    return first, second


@given(lengths, lengths, lengths)
def test_share_is_the_loop_in_closed_form(first: int, second: int, room: int) -> None:
    assert share(first, second, room) == shorten(first, second, room)


def test_the_second_gives_way_when_both_are_equal() -> None:
    assert share(5, 5, 9) == (5, 4)
    assert share(5, 5, 7) == (4, 3)
    assert share(1, 1, 0) == (0, 0)


def shorten_all(lengths: list[int], room: int) -> list[int]:
    """What `shares` promises, step by step."""
    kept = list(lengths)
    while sum(kept) > max(0, room):
        longest = max(kept)
        kept[max(i for i, length in enumerate(kept) if length == longest)] -= 1
    return kept


@given(st.lists(lengths, min_size=1, max_size=5), st.integers(-5, 120))
def test_shares_is_the_loop_in_closed_form(several: list[int], room: int) -> None:
    assert shares(several, room) == shorten_all(several, room)


@given(lengths, lengths, lengths)
def test_of_two_lengths_it_is_share(first: int, second: int, room: int) -> None:
    assert tuple(shares([first, second], room)) == share(first, second, room)
