from math import nan

from hypothesis import given
from hypothesis import strategies as st

from wenlu.evaluation.report.axes import axis

numbers = st.lists(st.floats(-1e9, 1e9).map(lambda x: round(x, 6)), min_size=1, max_size=9)


@given(numbers, st.booleans())
def test_an_axis_holds_its_values(values: list[float], whole: bool) -> None:
    scale = axis(values, whole=whole)
    assert all(-1e-6 <= scale.place(value) <= 1 + 1e-6 for value in values)
    assert 2 <= len(scale.ticks) <= 12
    assert list(scale.ticks) == sorted(scale.ticks)


def test_round_numbers() -> None:
    assert axis([0.13, 0.97]).ticks == (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    assert axis([1, 3], low=1, high=3, whole=True).ticks == (1, 2, 3)
    assert axis([10, 2100], low=0, high=2100).ticks == (0, 500, 1000, 1500, 2000)


def test_axes_of_next_to_nothing() -> None:
    for values in ([], [nan], [0.0], [5.0, 5.0]):
        scale = axis(values)
        assert scale.low < scale.high
