"""The command line as a function, small data, and runs to use."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from wenlu.cli.main import run

SMALL = ("--model", "scratch-2x128", "--epochs", "1", "--max-length", "32")
"""Flags of a training that takes about a second."""

ROWS = [
    {"text": f"{text}{number}", "label": label}
    for number in range(6)
    for text, label in (("退款什么时候到账", "退款"), ("明天会下雨吗", "天气"))
]
PAIR_ROWS = [
    {"text_a": f"怎么退款{number}", "text_b": text, "label": label}
    for number in range(6)
    for text, label in (("如何申请退款", "1"), ("明天会下雨吗", "0"))
]


class Said(NamedTuple):
    """What a command line came to."""

    code: int
    out: str
    err: str


Cli = Callable[..., Said]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command line in this process."""

    def call(*tokens: str | Path) -> Said:
        capsys.readouterr()
        code = run([str(token) for token in tokens])
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return call


def lines(rows: list[dict[str, object]]) -> str:
    """A JSONL file."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def write_data(folder: Path, rows: list[dict[str, object]] = ROWS) -> Path:
    """A folder with train, dev and test files."""
    folder.mkdir(parents=True)
    (folder / "train.jsonl").write_text(lines(rows), "utf-8")
    (folder / "dev.jsonl").write_text(lines(rows[:4]), "utf-8")
    test = [{k: v for k, v in row.items() if k != "label"} for row in rows[:4]]
    (folder / "test.jsonl").write_text(
        lines([{"id": n, **row} for n, row in enumerate(test)]), "utf-8"
    )
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_data(tmp_path / "data")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of `classify`; look at it only."""
    return _train("classify", ROWS, tmp_path_factory.mktemp("classify"))


@pytest.fixture(scope="session")
def trained_on_pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of `match`; look at it only."""
    return _train("match", PAIR_ROWS, tmp_path_factory.mktemp("match"))


def _train(task: str, rows: list[dict[str, object]], folder: Path) -> Path:
    data, out = write_data(folder / "data", rows), folder / "run"
    assert run(["train", task, "--data", str(data), "--out", str(out), *SMALL]) == 0
    return out


def leftovers(folder: Path) -> list[str]:
    """Hidden and temporary files, which no command may leave."""
    return [path.name for path in folder.rglob("*") if path.name.startswith(".")]
