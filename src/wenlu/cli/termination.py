"""What is unfinished is tidied away when the process is asked to end."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def tidy_end() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as Ctrl-C does, so that temporary files are removed.

    The exit code is 128 and the number of the signal, as a shell would have it.
    """

    def end(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
