import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.training.ragged import Ragged, fingerprint

pairs = st.tuples(st.integers(0, 99), st.integers(0, 99))
some_rows = st.lists(st.lists(pairs, max_size=6), min_size=1, max_size=8)


@given(some_rows, st.integers(0, 3), st.data())
def test_it_is_a_list_of_lists(
    rows: list[list[tuple[int, int]]], least: int, data: st.DataObject
) -> None:
    ragged = Ragged.from_rows(rows, np.int32, 2)
    assert len(ragged) == len(rows)
    assert ragged.counts.tolist() == [len(row) for row in rows]
    for row, start in zip(rows, ragged.starts.tolist(), strict=True):
        assert ragged.values[start : start + len(row)].tolist() == [list(pair) for pair in row]

    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=9))
    values, numbers = ragged.take(np.array(chosen, np.int64))
    found = list(zip(numbers.tolist(), map(tuple, values.tolist()), strict=True))
    assert found == [(at, pair) for at, row in enumerate(chosen) for pair in rows[row]]
    assert values.dtype == np.int32

    width = max([least, *(len(rows[row]) for row in chosen)])
    padded = ragged.padded(np.array(chosen, np.int64), -1, least=least)
    assert padded.shape == (len(chosen), width, 2)
    for line, row in zip(padded.tolist(), chosen, strict=True):
        assert [tuple(pair) for pair in line] == rows[row] + [(-1, -1)] * (width - len(rows[row]))


@given(st.lists(st.lists(st.integers(0, 99), max_size=6), max_size=8))
def test_lists_and_arrays_of_numbers_are_the_same(rows: list[list[int]]) -> None:
    lists = Ragged.from_rows(rows, np.int32)
    arrays = Ragged.from_rows([np.array(row, np.int32) for row in rows], np.int32)
    assert lists.values.tolist() == arrays.values.tolist() == [i for row in rows for i in row]
    assert fingerprint(lists) == fingerprint(arrays)


@given(some_rows, some_rows)
def test_fingerprints_are_equal_where_the_rows_are(
    some: list[list[tuple[int, int]]], other: list[list[tuple[int, int]]]
) -> None:
    found = [fingerprint(Ragged.from_rows(rows, np.int64, 2)) for rows in (some, other)]
    assert (found[0] == found[1]) == (some == other)


@pytest.mark.parametrize("other", [(b"a", None), (None, b"b"), (b"b", b"a"), (np.arange(2),)])
def test_a_fingerprint_is_of_all_parts_in_their_order(other: tuple[bytes, ...]) -> None:
    assert fingerprint(b"a", b"b") != fingerprint(*other)
