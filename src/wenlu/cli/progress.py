"""The bar over work that takes a while."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from wenlu.terminal import Terminal

Advance = Callable[[int, int], None]
"""How many of how many are done."""


class _Rate(ProgressColumn):
    """Texts a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} texts/s" if task.speed else "")


def progress_bar(text: str) -> AbstractContextManager[Advance]:
    """A bar with rate and remaining time on stderr; nothing where that is not a terminal.

    Until the first call of what the block is given, it says that data are read.
    """
    return _bar(text, MofNCompleteColumn(), _Rate())


def bytes_bar(text: str) -> AbstractContextManager[Advance]:
    """The same for files, whose bytes are counted."""
    return _bar(text, DownloadColumn(), TransferSpeedColumn())


@contextmanager
def passes_bar() -> Iterator[Callable[[str, int, int], None]]:
    """The same for work of several passes: what the block is given is told the name of each."""
    with ExitStack() as stack:
        bars: dict[str, Advance] = {}

        def advance(name: str, done: int, total: int) -> None:
            if name not in bars:
                stack.close()
                bars[name] = stack.enter_context(bytes_bar(name))
            bars[name](done, total)

        yield advance


@contextmanager
def _bar(text: str, *columns: ProgressColumn) -> Iterator[Advance]:
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        *columns,
        TimeRemainingColumn(),
        console=Terminal(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task("reading", total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, description=text, completed=done, total=total or None)

        yield advance
