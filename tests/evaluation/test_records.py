import pytest

from wenlu.evaluation.records import number, record, records


@pytest.mark.parametrize("value", [None, True, "7", float("nan"), float("inf"), [1]])
def test_only_finite_numbers_are_numbers(value: object) -> None:
    assert number({"x": value}, "x") is None


def test_what_is_there() -> None:
    assert number({"x": 7}, "x") == 7.0
    assert number({}, "x") is None
    assert record({"a": 1}) == {"a": 1}
    assert record([1]) == {}
    assert records([{"a": 1}, 2, None]) == [{"a": 1}]
    assert records("no") == []
