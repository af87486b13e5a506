from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.errors import ConfigError
from wenlu.text import Window, windows


@st.composite
def shapes(draw: st.DrawFn) -> tuple[int, int, int]:
    room = draw(st.integers(1, 20))
    return draw(st.integers(0, 90)), room, draw(st.integers(0, room // 2))


@given(shapes())
def test_windows_cover_the_text_evenly(shape: tuple[int, int, int]) -> None:
    length, room, overlap = shape
    found = windows(*shape)
    assert (found[0].start, found[-1].end) == (0, length)
    assert {w.end - w.start for w in found} == {min(length, room)}
    for a, b in pairwise(found):
        assert a.start < b.start
        assert a.end - b.start >= overlap
    steps = [b.start - a.start for a, b in pairwise(found)]
    assert max(steps, default=0) - min(steps, default=0) <= 1
    if overlap < room and len(found) > 1:  # one window less would not do
        assert room + (len(found) - 2) * (room - overlap) < length


@given(shapes(), st.data())
def test_every_piece_has_one_window_which_holds_it_best(
    shape: tuple[int, int, int], data: st.DataObject
) -> None:
    length, room, overlap = shape
    found = windows(*shape)
    first = data.draw(st.integers(0, max(0, length - 1)))
    last = data.draw(st.integers(first, min(max(first, length - 1), first + room)))
    [answering] = [w for w in found if w.answers(first, last)]
    margins = {w: min(first - w.start, w.end - 1 - last) for w in found if w.holds(first, last)}
    assert bool(margins) >= (last - first <= overlap and length > 0)
    if margins:
        assert margins[answering] == max(margins.values())


def test_worked_by_hand() -> None:
    assert windows(10, 10, 5) == [Window(0, 10, 0, 21)]
    assert windows(0, 3, 0) == [Window(0, 0, 0, 1)]
    assert windows(16, 8, 2) == [Window(0, 8, 0, 12), Window(4, 12, 12, 20), Window(8, 16, 20, 33)]


@pytest.mark.parametrize(("room", "overlap"), [(0, 0), (5, 3), (5, -1)])
def test_windows_that_cannot_be(room: int, overlap: int) -> None:
    with pytest.raises(ConfigError, match=f"windows of {room} tokens cannot share {overlap}"):
        windows(10, room, overlap)
