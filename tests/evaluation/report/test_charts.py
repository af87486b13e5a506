from math import inf, isfinite, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.evaluation.report.charts import Line, line_chart, smooth, thin

values = st.lists(st.floats(-100, 100) | st.just(nan), min_size=1, max_size=3000)


@given(values)
def test_thinning_keeps_the_extremes(heights: list[float]) -> None:
    points = list(enumerate(heights))
    kept = thin([(float(x), y) for x, y in points], 100)
    finite = [y for y in heights if isfinite(y)]
    assert len(kept) <= 102
    assert [x for x, _ in kept] == sorted(x for x, _ in kept)
    if finite:
        assert max(y for _, y in kept if isfinite(y)) == max(finite)
        assert min(y for _, y in kept if isfinite(y)) == min(finite)


@given(values)
def test_smoothing_stays_between_the_extremes(heights: list[float]) -> None:
    finite = [y for y in heights if isfinite(y)]
    line = smooth([(float(x), y) for x, y in enumerate(heights)])
    assert len(line) == len(finite)
    assert all(min(finite) - 1e-9 <= y <= max(finite) + 1e-9 for _, y in line)


def test_smoothing_leaves_a_constant_alone() -> None:
    assert [y for _, y in smooth([(float(x), 2.0) for x in range(9)])] == pytest.approx([2.0] * 9)


def chart(points: list[tuple[float, float]]) -> str:
    line = Line(name=("loss", "损失"), points=points, style="train")
    return line_chart(("Loss", "损失"), [line], across=("step", "步"))


def test_a_gap_lifts_the_pen() -> None:
    drawn = chart([(1, 1.0), (2, nan), (3, 3.0), (4, inf), (5, 2.0)])
    assert drawn.count('class="train"') == 1
    assert 'd="M0.0 1000.0M500.0 0.0M1000.0 500.0"' in drawn
    assert "nan" not in drawn


def test_one_point_is_a_dot() -> None:
    assert 'class="train dots"' in chart([(1, 1.0)])


def test_nothing_finite_is_said() -> None:
    assert "No finite value was logged." in chart([(1, nan)])
    assert "No finite value was logged." in chart([])
