"""The same work done by several threads until there is no more, or one of them fails."""

from collections.abc import Callable
from threading import Condition, Event, Thread


class Stopped(Exception):  # noqa: N818
    """Another thread has failed, or the work is called off."""


class Workers:
    """Threads that work off the same thing, and stop together."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._stop = Event()
        self._errors: list[BaseException] = []

    def check(self) -> None:
        """Raise if the work is to stop."""
        if self._stop.is_set():
            raise Stopped

    def run(self, work: Callable[[], None]) -> None:
        """Do the work in each thread; the first error, or Ctrl-C, stops all and is raised."""

        def guarded() -> None:
            try:
                work()
            except Stopped:
                pass
            except BaseException as error:
                self._errors.append(error)
                self._stop.set()

        if self.count == 1:
            work()
            return
        threads = [Thread(target=guarded, daemon=True) for _ in range(self.count)]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        except BaseException:
            self._stop.set()
            for thread in threads:
                if thread.is_alive():  # a signal may come before it was started
                    thread.join(timeout=5)  # it may wait for ever for a pipe
            raise
        if self._errors:
            raise self._errors[0]


class Turns:
    """Lets threads do something one after the other, in the order of their numbers."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._next = 0
        self._changed = Condition()

    def wait(self, number: int) -> None:
        """Wait until all smaller numbers are done."""
        with self._changed:
            while self._next != number:
                self._workers.check()
                self._changed.wait(0.2)

    def done(self, number: int) -> None:
        """Let the next one."""
        with self._changed:
            self._next = number + 1
            self._changed.notify_all()
