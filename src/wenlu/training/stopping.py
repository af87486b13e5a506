"""Ctrl-C, SIGTERM and SIGHUP while training: finish the step, save, then stop."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class Stop:
    """Whether somebody asked for an end, and by which signal."""

    number: int | None = None

    def raise_if_asked(self) -> None:
        """KeyboardInterrupt after Ctrl-C; after other signals SystemExit, with a shell's code."""
        if self.number == signal.SIGINT:
            raise KeyboardInterrupt
        if self.number is not None:
            raise SystemExit(128 + self.number)


@contextmanager
def stop_signals(*, enabled: bool) -> Iterator[Stop]:
    """Note the first signal, so that the step can be finished and saved; a second one stops."""
    stop = Stop()

    def ask(number: int, frame: FrameType | None) -> None:
        del frame
        if stop.number is not None:
            stop.raise_if_asked()
        stop.number = number

    if not enabled:
        yield stop
        return
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    try:
        before = {number: signal.signal(number, ask) for number in numbers}
    except ValueError:  # not in the main thread: signals are somebody else's
        yield stop
        return
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
