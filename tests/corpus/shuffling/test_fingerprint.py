from itertools import accumulate

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wenlu.corpus.shuffling.fingerprint import fingerprint

records = st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=12)


def of(some: list[bytes]) -> int:
    bounds = np.array([0, *accumulate(map(len, some))], np.int64)
    return fingerprint(np.frombuffer(b"".join(some), np.uint8), bounds)


@given(records, st.randoms())
def test_the_order_does_not_matter(some: list[bytes], random: object) -> None:
    shuffled = some.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert of(shuffled) == of(some)


@given(records)
def test_a_sum_over_records(some: list[bytes]) -> None:
    assert of(some) == sum(of([one]) for one in some) % 2**64


@given(records, st.data())
def test_what_is_lost_doubled_joined_or_changed_is_found(
    some: list[bytes], data: st.DataObject
) -> None:
    which = data.draw(st.integers(0, len(some) - 1))
    one = some[which]
    others = some[:which] + some[which + 1 :]
    assert of([*some, one]) != of(some)
    if others:
        assert of(others) != of(some)
    if len(one) > 1:
        assert of([*others, one[:1], one[1:]]) != of(some)
    end = bytes([one[-1] ^ 1])
    assert of([*others, one[:-1] + end]) != of(some)


def test_only_those_that_count() -> None:
    data = np.frombuffer(b"abcde", np.uint8)
    kept = fingerprint(data, np.array([0, 2, 5]), np.array([False, True]))
    assert kept == of([b"cde"])
