import json
from dataclasses import fields
from pathlib import Path

from wenlu.training import TrainingSettings

from .conftest import SMALL, Cli, leftovers


def test_help_has_every_setting_with_its_sentence_and_default(cli: Cli) -> None:
    words = " ".join(cli("train", "--help").out.replace("│", " ").split())
    for field in fields(TrainingSettings):
        assert f" --{field.name.replace('_', '-')} " in words
        if field.default is not None:
            assert f"[default: {field.default}]" in words
    for sentence in (
        "Passes over the training set. Default: 5, and more for small training sets",
        "Batch size in tokens, padding included. Short texts give batches of many rows.",
        "(stable). [choices: linear, cosine, constant, stable]",
        "0: train everything; 1: freeze the embeddings;",
        "Steps between two lines of metrics.jsonl.",
    ):
        assert sentence in words


def test_a_run_is_shown_and_its_folder_is_whole(cli: Cli, data: Path) -> None:
    out = data.parent / "run"
    said = cli("train", "classify", "--data", data, "--out", out, *SMALL)
    assert said.code == 0
    assert "train: 12 examples from train.jsonl, 0.00% [UNK], 0 cut to fit\n" in said.out
    assert "Accuracy" in said.out
    assert said.out.endswith(f"run     {out}\nreport  {out / 'report.html'}\n")
    assert said.err.startswith("epoch 1: ")  # no bar: this is no terminal
    assert "\x1b" not in said.err + said.out
    there = {path.name for path in out.iterdir()}
    assert there == {
        "config.toml",
        "model",
        "metrics.jsonl",
        "dev.predictions.jsonl",
        "result.json",
        "report.html",
    }
    assert leftovers(out) == []


def test_json_is_one_document_and_nothing_else(cli: Cli, data: Path) -> None:
    out = data.parent / "run"
    said = cli("train", "classify", "--data", data, "--out", out, *SMALL, "--json")
    assert said.code == 0
    assert json.loads(said.out) == json.loads((out / "result.json").read_text("utf-8"))
    assert said.out.count("\n") == 1


def test_an_error_goes_to_stderr_with_json_too(cli: Cli, data: Path) -> None:
    (data / "train.jsonl").write_text("")
    said = cli("train", "classify", "--data", data, "--out", data.parent / "run", "--json")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("error: ")


def test_one_file_is_enough(cli: Cli, data: Path) -> None:
    out = data.parent / "run"
    said = cli("train", "classify", "--data", data / "train.jsonl", "--out", out, *SMALL)
    assert said.code == 0
    assert "dev: 1 examples from held out, " in said.out


def test_several_seeds(cli: Cli, data: Path) -> None:
    out = data.parent / "run"
    line = ("train", "classify", "--data", data, "--out", out, *SMALL)
    said = cli(*line, "--seed", "1", "2")
    assert said.code == 0
    assert "seed 1\n" in said.out
    assert "mean ± sd" in said.out
    assert {path.name for path in out.iterdir()} == {
        "seed-1",
        "seed-2",
        "result.json",
        "report.html",
    }
    assert cli("predict", out, "我想退款").code == 0
    again = cli(*line, "--seed", "3", "--overwrite")
    assert again.code == 0
    assert not (out / "seed-1").exists()
