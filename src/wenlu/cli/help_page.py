"""The layout of `--help`."""

from typing import Any

from cyclopts.help.formatters import DefaultFormatter
from rich.console import Console, ConsoleOptions
from rich.markdown import Markdown
from rich.text import Text


class HelpPage(DefaultFormatter):
    """The default page, with the examples as written in the docstring."""

    def render_description(
        self,
        console: Console,
        options: ConsoleOptions,
        description: Any,  # noqa: ANN401
    ) -> None:
        page = getattr(description, "primary_renderable", None)
        if not isinstance(page, Markdown):
            super().render_description(console, options, description)
            return
        for paragraph in page.markup.strip().split("\n\n"):
            heading, _, lines = paragraph.partition("\n")
            if lines.startswith("    "):
                console.print(Text(f"{heading}\n{lines}"), soft_wrap=True)
            else:
                console.print(Markdown(paragraph))
            console.print()
