"""What a person sees while training lasts; nothing where the output is not a terminal."""

from types import TracebackType

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from wenlu.terminal import Terminal


def notice(text: str) -> None:
    """A line for people that is no result."""
    Terminal(stderr=True).say(text)


class ProgressBar:
    """A bar with rate and remaining time on stderr.

    Args:
        enabled: False for other processes than the first, and where output is for programs.
    """

    def __init__(self, *, enabled: bool = True) -> None:
        self.console = Terminal(stderr=True)
        self.enabled = enabled
        self.rich = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not (enabled and self.console.is_terminal),
        )
        self.task: TaskID | None = None

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()  # whatever ended the work: a terminal must not stay without its cursor

    def start(self, text: str, *, total: int, done: int = 0) -> None:
        """Show the bar."""
        self.rich.start()
        self.task = self.rich.add_task(text, total=total, completed=done, rate="")

    def total(self, total: int) -> None:
        """How much there is in all."""
        if self.task is not None:
            self.rich.update(self.task, total=total)

    def advance(self, text: str, rate: float, by: int = 1, unit: str = "texts") -> None:
        """One more is done."""
        if self.task is not None:
            self.rich.update(
                self.task,
                advance=by,
                description=text,
                rate=f"{rate:,.0f} {unit}/s" if rate else "",
            )

    def note(self, text: str) -> None:
        """Say what is being done."""
        if self.task is not None:
            self.rich.update(self.task, description=text)

    def line(self, text: str) -> None:
        """A line that stays."""
        if self.enabled:
            self.rich.console.print(text, soft_wrap=True)

    def stop(self) -> None:
        """Take the bar away."""
        self.rich.stop()
        self.task = None
