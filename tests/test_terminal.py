"""No text of others moves the cursor, rings the bell or turns the writing direction."""

import io
import json
import re

import pytest
from rich.progress import Progress, TextColumn
from rich.table import Table
from rich.text import Text

from wenlu.cli.output import people, print_json, say
from wenlu.terminal import UNSEEN, Terminal, show_unseen

EVIL = "退\x1b[2J\x1b]0;title\x07款\r\x9b31m\x7f\u202e\u200b\ufeff\udc9b:smile: [red]x[/red]"

MARKS = ("␛", "[U+009B]", "[U+202E]", "[red]")


def printed(thing: object) -> str:
    """What comes to a terminal with colours."""
    terminal = Terminal()
    terminal.file, terminal._force_terminal, terminal.width = io.StringIO(), True, 300
    terminal.print(thing, soft_wrap=True)
    return terminal.file.getvalue()


def table(cell: object) -> Table:
    made = Table(title=EVIL)
    made.add_column(EVIL)
    made.add_row(cell)  # type: ignore[arg-type]
    return made


@pytest.mark.parametrize("thing", [EVIL, Text(EVIL, "bold red"), table(EVIL), table(Text(EVIL))])
def test_what_acts_unseen_is_shown(thing: object) -> None:
    said = re.sub(r"\x1b\[[0-9;]*m", "", printed(thing))  # the colours that we chose
    assert UNSEEN.search(said) is None
    assert all(mark in said for mark in MARKS)


def test_ordinary_text_stays_as_it_is() -> None:
    text = "文炉 👩‍👩‍👧 é\t①\n[red]:smile:"
    assert show_unseen(text) == text
    assert printed("文炉 👩‍👩‍👧 [red]:smile:") == "文炉 👩‍👩‍👧 [red]:smile:\n"


def test_a_progress_bar_shows_them_too() -> None:
    terminal = Terminal()
    terminal.file = io.StringIO()
    with Progress(TextColumn("{task.description}", markup=False), console=terminal) as bar:
        bar.add_task(EVIL)
    assert UNSEEN.search(terminal.file.getvalue()) is None
    assert "␛" in terminal.file.getvalue()


def test_lines_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    say(EVIL)
    people.print(table(EVIL))
    assert UNSEEN.search(capsys.readouterr().out) is None


def test_json_means_the_same_and_has_only_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    document = {"text": EVIL + "\U000e0041", "scores": [1.5, (0.5, 1e300)]}
    print_json(document)
    out = capsys.readouterr().out
    assert UNSEEN.search(out) is None
    assert json.loads(out) == {"text": EVIL + "\U000e0041", "scores": [1.5, [0.5, 1e300]]}
    nan = float("nan")
    print_json({"f1": nan, "by": [nan, -float("inf"), {"a": (float("inf"), 2)}], "n": 3})
    assert json.loads(capsys.readouterr().out) == {
        "f1": None,
        "by": [None, None, {"a": [None, 2]}],
        "n": 3,
    }


def test_a_reader_that_has_gone_is_an_error_once() -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    terminal = Terminal()
    terminal.file = Gone()
    with pytest.raises(BrokenPipeError):
        terminal.say("一")
    terminal.file = io.StringIO()
    terminal.say("二")
    assert terminal.file.getvalue().endswith("二\n")
