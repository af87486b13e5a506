import json
from pathlib import Path

import pytest

from wenlu.corpus import write_jsonl

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
    assert "a full submission lacks iflytek_predict.json (not trained)" in said.out
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
