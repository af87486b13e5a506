import io
import sys
from pathlib import Path

import pytest

from wenlu.cli.progress import progress_bar

from .conftest import Cli


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A terminal that understands control codes."""
    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "CI", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_a_terminal_shows_a_bar(screen: pytest.MonkeyPatch) -> None:
    screen.setattr(sys, "stderr", Terminal())
    with progress_bar("predicting") as advance:
        assert "reading" in sys.stderr.getvalue()
        advance(0, 300)
        advance(300, 300)
    seen = sys.stderr.getvalue()
    assert "predicting" in seen
    assert "300/300" in seen
    assert seen.endswith("\x1b[1A\x1b[2K")  # and it is gone again


@pytest.mark.parametrize("command", ["predict", "evaluate", "submit"])
def test_every_command_that_runs_a_model_shows_it(
    cli: Cli, trained: Path, data: Path, screen: pytest.MonkeyPatch, command: str
) -> None:
    flags: dict[str, list[str | Path]] = {
        "predict": ["--input", data / "test.jsonl"],
        "evaluate": ["--data", data],
        "submit": ["--data", data, "--out", data],
    }
    screen.setattr(sys, "stderr", Terminal())
    assert cli(command, trained, *flags[command]).code == 0
    assert "4/4" in sys.stderr.getvalue()


def test_elsewhere_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("predicting") as advance:
        advance(1, 2)
    assert capsys.readouterr() == ("", "")


def test_the_bar_goes_away_with_an_error(screen: pytest.MonkeyPatch) -> None:
    screen.setattr(sys, "stderr", Terminal())
    with pytest.raises(KeyboardInterrupt), progress_bar("predicting"):
        raise KeyboardInterrupt
    assert sys.stderr.getvalue().count("\x1b[?25l") == sys.stderr.getvalue().count("\x1b[?25h") == 1
