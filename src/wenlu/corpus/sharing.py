"""Work on blocks of text, shared among processes that each keep what they have found."""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from multiprocessing import get_context
from threading import Thread
from typing import Any, Protocol, TypeVar, runtime_checkable

from wenlu.corpus.blocks import Block
from wenlu.corpus.parallel import follow_parent, shielded
from wenlu.errors import RunError

Result = TypeVar("Result", covariant=True)


@runtime_checkable
class Worker(Protocol[Result]):
    """What each process has one of."""

    def add(self, block: Block) -> None:
        """Work on a block."""
        ...

    def finish(self) -> Result:
        """What was found in all blocks that came to this process."""
        ...


Maker = Callable[[int], Worker[Result]]
"""Makes the worker of a process, given its number; must survive pickling."""

_worker: Worker[Any]  # a process's own


def share(
    blocks: Iterable[Block],
    make: Maker[Result],
    processes: int,
    progress: Callable[[int], None] | None = None,
) -> list[Result]:
    """Give each block to a process that has time; what each process has found in the end.

    Where several blocks have errors, that of the first is raised, whoever was faster.

    Args:
        blocks: at most one a process and one more are held at a time.
        make: makes the worker of a process.
        processes: how many; 1 stands for this one.
        progress: is told how many bytes had been read for blocks that are done.
    """
    if processes == 1:
        worker = make(0)
        for block in blocks:
            worker.add(block)
            if progress is not None:
                progress(block.read)
        return [worker.finish()]
    with ExitStack() as stack:
        pools = [_start(stack, make, number) for number in range(processes)]
        try:
            _hand_out(blocks, pools, progress)
            with shielded():
                last = [pool.submit(_finish) for pool in pools]
            return [one.result() for one in last]
        except (BrokenProcessPool, MemoryError) as error:
            raise RunError(
                "a process that read text ended suddenly: too little memory for all of them, or "
                'the script that started them is not guarded by `if __name__ == "__main__":`. '
                "Mend that, or take one process: workers=1."
            ) from error


def _hand_out(
    blocks: Iterable[Block],
    pools: list[ProcessPoolExecutor],
    progress: Callable[[int], None] | None,
) -> None:
    busy: dict[Future[None], tuple[int, Block, ProcessPoolExecutor]] = {}
    idle = list(pools)
    try:
        for number, block in enumerate(blocks):
            if not idle:
                done = wait(busy, return_when=FIRST_COMPLETED).done
                if any(one.exception() for one in done):
                    break
                for one in done:
                    _, earlier, pool = busy.pop(one)
                    idle.append(pool)
                    if progress is not None:
                        progress(earlier.read)
            pool = idle.pop()
            with shielded():
                busy[pool.submit(_add, block)] = number, block._replace(data=b""), pool
    except Exception:  # met while reading on: an error of an earlier block comes first
        _settle(busy)
        raise
    _settle(busy)


def _settle(busy: dict[Future[None], tuple[int, Block, ProcessPoolExecutor]]) -> None:
    """Wait for what is under way, and raise the first error."""
    for one in sorted(busy, key=lambda one: busy[one][0]):
        one.result()


def _start(stack: ExitStack, make: Maker[Any], number: int) -> ProcessPoolExecutor:
    pool = ProcessPoolExecutor(
        1, mp_context=get_context("spawn"), initializer=_prepare, initargs=(make, number)
    )
    stack.callback(pool.shutdown, cancel_futures=True)
    return pool


def _prepare(make: Maker[Any], number: int) -> None:
    global _worker
    Thread(target=follow_parent, daemon=True).start()
    _worker = make(number)


def _add(block: Block) -> None:
    _worker.add(block)


def _finish() -> Any:  # noqa: ANN401
    return _worker.finish()
