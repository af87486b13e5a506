"""Cutting on all cores, with results in order."""

import os
import signal
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import chain, islice
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

from wenlu.corpus.cutting import Cut, Cutter
from wenlu.errors import RunError
from wenlu.text import Tokenizer

_FEW = 4  # batches that are cut in this process: starting others takes longer

_cutter: Cutter  # a worker's own


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cut_batches(
    batches: Iterable[Sequence[str]], tokenizer: Path, workers: int, *, by_line: bool = False
) -> Generator[Cut, None, None]:
    """What each batch of documents becomes, in their order.

    Args:
        batches: documents, some at a time; at most `workers` + 2 of them are held.
        tokenizer: the folder of a saved tokenizer.
        workers: how many processes cut; 1 stands for this one.
        by_line: take each line for a sentence.

    Raises:
        RunError: a process ended without an answer.
    """
    batches = iter(batches)
    first = list(islice(batches, _FEW)) if workers > 1 else []
    if len(first) < _FEW:
        cutter = Cutter(Tokenizer.from_folder(tokenizer), by_line=by_line)
        yield from map(cutter.cut, chain(first, batches))
        return
    pool = ProcessPoolExecutor(
        workers,
        mp_context=get_context("spawn"),
        initializer=_start,
        initargs=(tokenizer, by_line),
    )
    waiting: deque[Future[Cut]] = deque()
    try:
        for batch in chain(first, batches):
            with shielded():
                waiting.append(pool.submit(_cut, batch))
            if len(waiting) == workers + 2:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except (BrokenProcessPool, MemoryError) as error:
        raise RunError(
            "a process that cut text ended suddenly: too little memory for all of them, or the "
            'script that started them is not guarded by `if __name__ == "__main__":`. Mend '
            "that, or take one process: workers=1."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def shielded() -> Iterator[None]:
    """Processes started in the block do not hear Ctrl-C: it is for this one to end them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(tokenizer: Path, by_line: bool) -> None:
    """Make a worker ready, and let it end when its parent was killed."""
    global _cutter
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    Thread(target=follow_parent, daemon=True).start()
    _cutter = Cutter(Tokenizer.from_folder(tokenizer), by_line=by_line)


def follow_parent() -> None:
    """End this process when its parent has gone."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _cut(texts: Sequence[str]) -> Cut:
    return _cutter.cut(texts)
