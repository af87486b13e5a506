"""A disk that is full at any moment leaves nothing half-written, and what can be gone on with."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wenlu.training.metrics_log import MetricsLog

from .conftest import SMALL, Cli, leftovers

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fill_when_placing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The disk is full when a file or folder of that name would take its place."""
    for way in ("replace", "rename"):
        real = getattr(Path, way)

        def full(self: Path, target: Path, real: Callable[[Path, Path], Path] = real) -> Path:
            if Path(target).match(name):
                raise FULL
            return real(self, target)

        monkeypatch.setattr(Path, way, full)


def stops(cli: Cli, *line: str | Path) -> str:
    said = cli(*line)
    assert said.code == 1
    assert os.strerror(errno.ENOSPC) in said.err
    assert "Traceback" not in said.err
    return said.err


@pytest.fixture
def line(data: Path) -> list[str | Path]:
    return ["train", "classify", "--data", data, "--out", data.parent / "run", *SMALL]


def test_at_the_first_file_nothing_is_left(
    cli: Cli, line: list[str | Path], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise FULL

    monkeypatch.setattr(os, "fsync", full)
    said = stops(cli, *line)
    assert f"error: cannot write {data.parent / 'run' / 'config.toml'}: " in said
    assert [path.name for path in data.parent.iterdir()] == ["data"]


@pytest.mark.parametrize("name", ["step-*", "model", "dev.predictions.jsonl", "result.json"])
def test_training_can_be_gone_on_with(
    cli: Cli, line: list[str | Path], data: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    out = data.parent / "run"
    with monkeypatch.context() as full:
        fill_when_placing(full, name)
        said = stops(cli, *line)
    assert f"to resume {out}, give the same command with --resume" in said
    assert leftovers(data.parent) == []
    assert not (out / "result.json").exists()
    assert cli(*line, "--resume").code == 0
    assert (out / "result.json").exists()
    assert (out / "report.html").exists()
    assert not (out / "checkpoint").exists()


def test_at_the_log(
    cli: Cli, line: list[str | Path], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: MetricsLog, **values: Any) -> None:  # noqa: ANN401, ARG001
        raise FULL

    with monkeypatch.context() as context:
        context.setattr(MetricsLog, "write", full)
        said = stops(cli, *line)
    assert "give the same command with --resume" in said
    assert cli(*line, "--resume").code == 0
    assert leftovers(data.parent) == []


def test_at_the_report(
    cli: Cli, line: list[str | Path], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        fill_when_placing(full, "report.html")
        stops(cli, *line)
    assert leftovers(data.parent) == []
    said = cli(*line, "--resume")  # the run is finished; its report is made up for
    assert "is finished, so it cannot be resumed" in said.err
    assert (data.parent / "run" / "report.html").exists()


def test_at_predictions(
    cli: Cli, trained: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tmp_path / "labelled.jsonl"
    before.write_text("earlier labels")
    fill_when_placing(monkeypatch, "labelled.jsonl")
    stops(cli, "predict", trained, "--input", data / "test.jsonl", "--output", before)
    assert before.read_text() == "earlier labels"
    assert leftovers(tmp_path) == []


def test_at_a_submission(
    cli: Cli, trained: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_when_placing(monkeypatch, "handed-in.json")
    stops(cli, "submit", trained, "--data", data, "--out", tmp_path / "handed-in.json")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_at_a_converted_model(
    cli: Cli, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_when_placing(monkeypatch, "hf")
    stops(cli, "convert", trained, tmp_path / "hf")
    assert list(tmp_path.iterdir()) == []
