"""The examples run as people run them, on the smallest model and few texts."""

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

Play = Callable[..., list[str]]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Play:
    """Runs an example with arguments and gives the lines that it prints."""

    def run(name: str, *arguments: object) -> list[str]:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out.splitlines()

    return run


def test_a_model_is_trained_and_then_used(play: Play, tmp_path: Path) -> None:
    out = tmp_path / "run"
    small = ("--model", "scratch-2x128", "--epochs", 1, "--limit", 64, "--out", out)
    lines = play("train_classifier.py", *small)
    assert any(line.startswith("accuracy ") for line in lines)
    assert {"config.toml", "model", "report.html", "result.json"} <= {p.name for p in out.iterdir()}

    lines = play("use_a_run.py", out, "明早六点半喊我起床", "我要退货", "--threshold", 1.1)
    assert [line.endswith("ask a person") for line in lines[:2]] == [True, True]
    assert "明早六点半喊我起床" in lines[0]
    assert any(line.startswith("accuracy ") for line in lines)
    assert "shape (1, 18)" in lines[-1]


def test_the_swapped_part_sees_what_it_should(play: Play) -> None:
    lines = play("swap_a_part.py")
    seen = {line[:12].strip(): [float(x) for x in line[12:].split()] for line in lines[1:4]}
    order, moved = zip(*seen.values(), strict=True)
    assert list(seen) == ["no position", "rotary", "half rotary"]
    assert order[0] < 1e-5 < min(order[1:])
    assert max(moved) < 1e-5


def test_every_example_has_a_test() -> None:
    tests = Path(__file__).read_text("utf-8")
    assert all(f'"{path.name}"' in tests for path in EXAMPLES.glob("*.py"))


def test_a_text_is_gone_on_with(play: Play) -> None:
    given = ("今天天气很好，", "--tokens", 12, "--samples", 2)
    first = play("continue_text.py", *given)
    assert all(line.startswith("今天天气很好，") for line in first)
    assert len(set(first)) == 2
    assert play("continue_text.py", *given) == first
    likeliest = play("continue_text.py", *given, "--top-p", 0)
    assert len(set(likeliest)) == 1
