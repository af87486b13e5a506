"""Prefetching: a thread makes the next items while one is used."""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def prefetch(items: Iterator[Item], depth: int = 2) -> Generator[Item]:
    """The same items in the same order, the next `depth` of them made while one is used.

    Making them is left to a thread, one after the other, so it costs time only where it takes
    longer than using them. An error comes when its item is asked for. What was prefetched is lost
    when the caller stops early.

    Args:
        items: not to be touched elsewhere from now on; may be without end.
        depth: how many items may wait.
    """
    worker = ThreadPoolExecutor(1, "prefetch")
    end = object()
    waiting: deque[Future[Item | object]] = deque()
    try:
        while True:
            while len(waiting) <= depth:
                waiting.append(worker.submit(next, items, end))
            item = waiting.popleft().result()
            if item is end:
                return
            yield item  # type: ignore[misc]
    finally:
        worker.shutdown(wait=False, cancel_futures=True)
