import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.errors import ConfigError
from wenlu.text.strides import strides


def test_the_published_example() -> None:
    assert strides(1000, 489, 128) == [(0, 489), (128, 617), (256, 745), (384, 873), (512, 1000)]


@pytest.mark.parametrize("length", [1000, 2000])
def test_an_answer_of_362_tokens_is_held_and_one_of_363_not_always(length: int) -> None:
    windows = strides(length, 489, 128)

    def held(size: int) -> bool:
        return all(
            any(start <= first and first + size <= end for start, end in windows)
            for first in range(length - size + 1)
        )

    assert held(362)
    assert not held(363)


@given(st.integers(0, 200), st.integers(1, 40), st.data())
def test_windows_cover_the_text_and_hold_short_pieces(
    length: int, room: int, data: st.DataObject
) -> None:
    step = data.draw(st.integers(0, room - 1))
    windows = strides(length, room, step)
    assert windows[0][0] == 0
    assert all(0 <= end - start <= room for start, end in windows)
    if not step:
        assert windows == [(0, min(length, room))]
        return
    assert windows[-1][1] == length
    assert [start for start, _ in windows] == [k * step for k in range(len(windows))]
    assert all(end < length for _, end in windows[:-1])  # none after one that reached the end
    size = min(length, room - step + 1)
    for first in range(length - size + 1):
        assert any(start <= first and first + size <= end for start, end in windows)


@pytest.mark.parametrize("step", [5, 6, -1])
def test_steps_that_would_leave_text_out(step: int) -> None:
    with pytest.raises(ConfigError, match="left out"):
        strides(10, 5, step)
