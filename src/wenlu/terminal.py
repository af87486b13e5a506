"""Texts of others on the terminal: what would act unseen there is shown instead."""

import re
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.text import Text

UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
"""Control characters but tab and line feed, overrides of the writing direction, characters without
width that join nothing, lone surrogates."""


def show_unseen(text: str) -> str:
    """The text with a picture or a number in the place of each character that is not seen."""
    return UNSEEN.sub(_show, text)


def _show(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)  # the picture of a control character, such as ␀
    return "␡" if code == 0x7F else f"[U+{code:04X}]"


class Terminal(Console):
    """A console that takes text for text: no markup, no emoji codes, no control sequences.

    Args:
        stderr: write there, not on stdout.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)

    def say(self, text: str) -> None:
        """A line, or several, that are not broken where the terminal ends."""
        self.print(text, soft_wrap=True)

    def on_broken_pipe(self) -> None:
        raise  # what happens then is for the command line to say

    def render_str(self, text: str, **settings: Any) -> Text:  # noqa: ANN401
        return super().render_str(show_unseen(text), **settings)

    def render(self, renderable: Any, options: ConsoleOptions | None = None) -> Iterable[Segment]:  # noqa: ANN401
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield segment._replace(text=show_unseen(segment.text))
