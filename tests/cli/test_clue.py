import json
import re
from pathlib import Path

import pytest
from rich.console import Console

import wenlu.cli.clue
from wenlu.corpus import write_jsonl
from wenlu.models import BUNDLED
from wenlu.tasks.clue import benchmark
from wenlu.tasks.clue.published import PUBLISHED, TASKS
from wenlu.tasks.registry import task_named

from .conftest import Cli


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "CLUE" / "tnews"
    folder.mkdir(parents=True)
    rows = [
        {"id": number, "sentence": f"{text}{number}", "label": label}
        for number in range(5)
        for label, text in (("103", "国足今晚对阵日本"), ("104", "央行宣布降准"))
    ]
    for number, row in enumerate(rows):
        row["id"] = number
    for split in ("train", "dev", "test"):
        write_jsonl(folder / f"{split}.json", rows)
    return tmp_path / "CLUE"


def test_one_table_and_one_archive(cli: Cli, root: Path, tmp_path: Path) -> None:
    flags = ("--data", root, "--model", "scratch-2x128", "--epochs", "1", "--max-length", "16")
    said = cli("clue", *flags, "--task", "tnews", "--out", tmp_path / "runs")
    assert said.code == 0, said.err
    assert "[1/1] tnews" in said.out
    result = json.loads((tmp_path / "runs/tnews/result.json").read_text("utf-8"))
    [row] = [line for line in said.out.splitlines() if line.strip().startswith("tnews  ")]
    assert f"{100 * result['scores']['accuracy']:.2f}" in row
    assert "58.06" in row  # as published for RoBERTa-wwm-ext
    assert "mean of 11" not in said.out
    assert f"archive {tmp_path / 'runs/submission.zip'}" in said.out
    assert "missing for a full submission: iflytek_predict.json (not trained)" in said.out
    again = cli("clue", *flags, "--task", "tnews", "--out", tmp_path / "runs", "--json")
    found = json.loads(again.out)
    assert found["tasks"]["tnews"]["scores"] == result["scores"]
    assert len(found["missing"]) == 10


def test_a_task_that_is_none_of_them(cli: Cli, root: Path, tmp_path: Path) -> None:
    said = cli("clue", "--data", root, "--task", "mnews", "--out", tmp_path / "runs")
    assert said.code == 1
    assert "'mnews' is no task of CLUE; the closest are tnews" in said.err
    assert not (tmp_path / "runs").exists()


def test_nothing_to_train_on(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "CLUE/tnews").mkdir(parents=True)
    said = cli("clue", "--data", tmp_path / "CLUE", "--out", tmp_path / "runs")
    assert said.code == 1
    assert "nothing to train on: there must be a folder with a training file" in said.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("score", [0.5, 1.0])
def test_the_table_fits_a_terminal(
    score: float, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = {}
    for number, name in enumerate(TASKS):
        main = task_named(name).main_metric
        ours = score - number / 1_000
        scores = {main: ours, f"{main}_low": ours - 0.05, f"{main}_high": score}
        tasks[name] = {"main_metric": main, "scores": scores}
    result = {"model": "m", "tasks": tasks, "missing": [], "archive": None}
    monkeypatch.setattr(benchmark, "run_clue", lambda *_, **__: result)
    monkeypatch.setattr(wenlu.cli.clue, "people", Console(width=80, highlight=False))
    said = cli("clue", "--data", tmp_path, "--out", tmp_path / "runs")
    assert "…" not in said.out
    lines = [line.split() for line in said.out.splitlines()]
    rows = {words[0]: words for words in lines if words}
    others = [each.scores for each in PUBLISHED if each.split == "dev"]
    for number, name in enumerate(TASKS):
        ours = f"{100 * score - number / 10:.2f}"
        interval = f"{100 * score - number / 10 - 5:.1f}–{100 * score:.1f}"
        published = [f"{each[name]:.2f}" if name in each else "–" for each in others]
        assert rows[name] == [name, ours, interval, *published]
    assert rows["mean"][:4] == ["mean", "of", "11", f"{100 * score - 0.5:.2f}"]
    above = " ".join(word for words in lines[: lines.index(rows["iflytek"])] for word in words)
    for each in PUBLISHED[: len(others)]:
        assert all(part in above for part in re.findall(r"[A-Za-z]{3,}", each.model))
    assert "cmrc2018: exact match, cluener: macro f1" in said.out


def test_a_bad_length(cli: Cli, root: Path, tmp_path: Path) -> None:
    said = cli("clue", "--data", root, "--out", tmp_path / "runs", "--max-length", "0")
    assert (said.code, said.err) == (1, "error: max_length must be at least 8; got 0\n")
    assert not (tmp_path / "runs").exists()


def test_the_models_of_the_examples_are_there(cli: Cli) -> None:
    _, _, examples = cli("clue", "--help").out.partition("Examples")
    named = re.findall(r"wenlu clue .*--model (\S+)", examples)
    assert len(named) == 3
    assert all("/" in name or name in BUNDLED for name in named)
