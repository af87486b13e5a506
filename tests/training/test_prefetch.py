import threading
import time
from collections.abc import Iterator
from itertools import count, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.training.prefetch import prefetch


@given(st.lists(st.none() | st.integers(), max_size=20), st.integers(1, 5))
def test_the_same_items_in_the_same_order(items: list[int | None], depth: int) -> None:
    assert list(prefetch(iter(items), depth)) == items


def test_items_are_made_while_others_are_used_but_not_too_many() -> None:
    made: list[int] = []
    third = threading.Event()

    def items() -> Iterator[int]:
        for number in count():
            made.append(number)
            if number == 2:
                third.set()
            yield number

    found = prefetch(items(), depth=2)
    assert next(found) == 0
    assert third.wait(10)  # though nobody asked for it
    time.sleep(0.05)
    assert made == [0, 1, 2]
    assert list(islice(found, 5)) == [1, 2, 3, 4, 5]
    found.close()


def test_an_error_comes_in_its_place() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("the third")

    found = prefetch(items())
    assert [next(found), next(found)] == [1, 2]
    with pytest.raises(ValueError, match="the third"):
        next(found)


def test_the_thread_ends_with_the_caller() -> None:
    found = prefetch(count())
    next(found)
    found.close()
    for _ in range(100):
        if not any(thread.name.startswith("prefetch") for thread in threading.enumerate()):
            return
        time.sleep(0.05)
    raise AssertionError("a thread is left")
