from hypothesis import given
from hypothesis import strategies as st

from wenlu.text.joining import share

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
