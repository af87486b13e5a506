"""What shows how far a pass has got."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Advance = Callable[[int, int], None]
"""How many bytes of how many are done."""

Bar = Callable[[str], AbstractContextManager[Advance]]
"""Shows how far a pass has got, by the name of the pass."""


def no_bar(_: str) -> AbstractContextManager[Advance]:
    """Shows nothing."""
    return nullcontext(lambda _done, _total: None)
