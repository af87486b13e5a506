import json
import os
import shutil
from pathlib import Path

import pytest

from .conftest import Cli, leftovers


def test_predict_shows_each_text_with_its_labels(cli: Cli, trained: Path) -> None:
    said = cli("predict", trained, "我想退款", "明天[bold]下雨？")
    assert (said.code, said.err) == (0, "")
    first, labels, second, _ = said.out.splitlines()
    assert (first, second) == ("我想退款", "明天[bold]下雨？")
    assert sorted(labels.split()[::2]) == ["天气", "退款"]
    assert all(share.endswith("%") for share in labels.split()[1::2])


def test_predict_as_json(cli: Cli, trained: Path) -> None:
    said = cli("predict", trained, "我想退款", "--json")
    [found] = json.loads(said.out)
    assert found["text"] == "我想退款"
    assert found["probability"] == found["probabilities"][found["label"]]
    assert found["label"] == found["name"]
    assert found["label"] in found["probabilities"]
    assert sum(found["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_predict_pairs(cli: Cli, trained_on_pairs: Path) -> None:
    said = cli("predict", trained_on_pairs, "怎么退款", "如何退款", "下雨吗", "几点了")
    assert [line for line in said.out.splitlines() if "|" in line] == [
        "怎么退款 | 如何退款",
        "下雨吗 | 几点了",
    ]
    [found] = json.loads(cli("predict", trained_on_pairs, "怎么退款", "如何退款", "--json").out)
    assert (found["text_a"], found["text_b"]) == ("怎么退款", "如何退款")


def test_predict_of_a_file(cli: Cli, trained: Path, data: Path, tmp_path: Path) -> None:
    output = tmp_path / "labelled.jsonl"
    said = cli("predict", trained, "--input", data / "test.jsonl", "--output", output)
    assert said == (0, f"4 predictions written to {output}\n", "")
    rows = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
    assert [row["id"] for row in rows] == ["0", "1", "2", "3"]
    assert rows[0].keys() == {"id", "text", "label", "name", "probability", "probabilities"}
    printed = cli("predict", trained, "--input", data / "test.jsonl")
    assert printed.out == output.read_text("utf-8")
    document = cli("predict", trained, "--input", data / "test.jsonl", "--json")
    assert json.loads(document.out) == rows
    told = cli("predict", trained, "--input", data / "test.jsonl", "--output", output, "--json")
    assert json.loads(told.out) == {"output": str(output), "examples": 4}
    assert leftovers(tmp_path) == []


def test_the_model_folder_alone_predicts(cli: Cli, trained: Path) -> None:
    assert cli("predict", trained / "model", "好") == cli("predict", trained, "好")


def test_evaluate_repeats_the_score_of_the_run(cli: Cli, trained: Path) -> None:
    result = json.loads((trained / "result.json").read_text("utf-8"))
    found = json.loads(cli("evaluate", trained, "--json").out)
    assert found["scores"]["accuracy"] == result["scores"]["accuracy"]
    assert found["examples"] == 4
    said = cli("evaluate", trained)
    assert said.out.startswith("classify: accuracy ")
    assert said.out.endswith("on 4 examples of " + found["file"] + "\n")


def test_evaluate_says_which_label_is_new(cli: Cli, trained: Path, tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text("text,label\n好,天汽\n", "utf-8")
    said = cli("evaluate", trained, "--data", file)
    assert said.code == 1
    assert f"error: {file}, line 2, field 'label': '天汽' is not a label of classify" in said.err


def test_submit_writes_a_checked_file(
    cli: Cli, trained: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = cli("submit", trained, "--data", data)
    assert said == (0, "written and checked: predict.json\n", "")
    rows = [
        json.loads(line) for line in (tmp_path / "predict.json").read_text("utf-8").splitlines()
    ]
    assert [row["id"] for row in rows] == ["0", "1", "2", "3"]
    said = cli("submit", trained, "--data", data, "--out", data, "--json")
    assert json.loads(said.out) == {"output": str(data / "predict.json")}


def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    cli: Cli, trained: Path, data: Path, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere" / "out.jsonl"
    problem = f"cannot write {nowhere}: there is no folder {nowhere.parent}; make it first"
    said = cli("predict", trained, "--input", data / "test.jsonl", "--output", nowhere)
    assert said == (1, "", f"error: {problem}\n")
    said = cli("submit", trained, "--data", data, "--out", nowhere)
    assert said == (1, "", f"error: {problem}\n")
    said = cli("predict", trained, "--input", data / "test.jsonl", "--output", data)
    assert said.err == f"error: cannot write {data}: it is a folder; give the name of a file\n"
    assert not nowhere.parent.exists()
    packed = tmp_path / "out.jsonl.gz"
    said = cli("predict", trained, "--input", data / "test.jsonl", "--output", packed)
    assert said.err == f"error: cannot write {packed}: only plain files are; leave out .gz\n"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    said = cli("predict", trained, "--input", data / "test.jsonl", "--output", pipe)
    assert "it is a device or a pipe" in said.err
    assert pipe.is_fifo()


def test_the_input_is_not_overwritten(cli: Cli, trained: Path, data: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.jsonl"
    shutil.copy(data / "test.jsonl", mine)
    (tmp_path / "link.jsonl").symlink_to(mine)
    for output in (mine, tmp_path / "link.jsonl"):
        said = cli("predict", trained, "--input", mine, "--output", output)
        assert said.code == 1
        assert "is both --input and --output: its other fields would be lost" in said.err
    assert mine.read_bytes() == (data / "test.jsonl").read_bytes()
