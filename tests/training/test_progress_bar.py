import pytest

from wenlu.training import progress_bar
from wenlu.training.progress_bar import ProgressBar, notice


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_bar.Terminal, "is_terminal", True)
    monkeypatch.setenv("TERM", "xterm")


def interrupted() -> None:
    with ProgressBar() as bar:
        bar.start("training", total=3)
        bar.advance("epoch 1/1", 12.0)
        raise KeyboardInterrupt


@pytest.mark.usefixtures("terminal")
def test_an_interrupted_bar_gives_the_cursor_back(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    written = capsys.readouterr().err
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")


def test_only_lines_that_stay_are_printed_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with ProgressBar() as bar:
        bar.start("training", total=2)
        bar.advance("epoch 1/1", 12.0)
        bar.line("epoch 1: accuracy 0.5000  (best so far)")
    assert capsys.readouterr() == ("", "epoch 1: accuracy 0.5000  (best so far)\n")


def test_other_processes_are_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBar(enabled=False) as bar:
        bar.start("training", total=1)
        bar.note("evaluating")
        bar.line("epoch 1")
    assert capsys.readouterr() == ("", "")


def test_a_notice_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    notice("to go on with runs/[red]文, " + "x" * 200)
    assert capsys.readouterr().err == "to go on with runs/[red]文, " + "x" * 200 + "\n"
