import json
from collections.abc import Callable
from pathlib import Path

import pytest

from wenlu.errors import RunError
from wenlu.evaluation import read_run


def test_reads_what_a_run_wrote(make_run: Callable[..., Path]) -> None:
    run = read_run(make_run(classes=3, rows=7))
    assert run.finished
    assert len(run.predictions) == 7
    assert [each["step"] for each in run.steps] == list(range(1, 61))
    assert run.config["training"] == {"lr": 1e-4}
    assert run.notes == ()


def test_a_killed_run_ends_in_half_a_line(make_run: Callable[..., Path]) -> None:
    folder = make_run(finished=False, steps=5)
    with (folder / "metrics.jsonl").open("ab") as file:
        file.write('{"event": "step", "note": "半'.encode()[:-1])
    run = read_run(folder)
    assert not run.finished
    assert len(run.steps) == 5
    assert run.notes == ()


def test_a_broken_line_in_the_middle_is_named(make_run: Callable[..., Path]) -> None:
    folder = make_run(steps=3)
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    (folder / "metrics.jsonl").write_text("\n".join([lines[0], "{]", "3", *lines[1:]]))
    run = read_run(folder)
    assert len(run.steps) == 3
    assert run.notes == ("metrics.jsonl: line 2 and 1 more could not be read and was left out",)


def test_of_a_step_logged_twice_the_later_counts(tmp_path: Path) -> None:
    rows = [
        {"event": "step", "step": step, "loss": loss} for step, loss in ((1, 9), (2, 8), (2, 7))
    ]
    (tmp_path / "metrics.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert [each["loss"] for each in read_run(tmp_path).steps] == [9, 7]


def test_broken_files_are_notes(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("a = ")
    (tmp_path / "result.json").write_text('{"task": ')
    run = read_run(tmp_path)
    assert not run.finished
    assert run.config_text == "a = "
    assert "not valid TOML" in run.notes[0]
    assert "not valid JSON" in run.notes[1]
    (tmp_path / "result.json").write_text("[]")
    assert "result.json is not a JSON object" in read_run(tmp_path).notes


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds none of the files of a run"):
        read_run(tmp_path)
    with pytest.raises(RunError, match=r"nowhere is not a folder; give a folder"):
        read_run(tmp_path / "nowhere")


def test_odd_predictions_are_read_leniently(tmp_path: Path) -> None:
    rows = [
        {"predicted": 1, "gold": None, "texts": "x", "probabilities": {"1": "high", "2": 7}},
        {"gold": "a"},
    ]
    (tmp_path / "dev.predictions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (only,) = read_run(tmp_path).predictions
    assert (only.predicted, only.gold, only.texts) == ("1", None, ())
    assert only.probabilities == {"2": 1.0}
    assert only.confidence is None
