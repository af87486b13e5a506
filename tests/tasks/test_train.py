"""What a run leaves, and what it says of its data."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wenlu.corpus import write_jsonl
from wenlu.errors import CheckpointError, ConfigError, DataError, RunError
from wenlu.evaluation import compare_runs
from wenlu.tasks import RunConfig
from wenlu.tasks.train import default_learning_rate, train
from wenlu.training import TrainingSettings

from .small import metrics, result, rows

SETTINGS = TrainingSettings(epochs=2, batch_rows=8, lr=0.02, log_steps=1, precision="float32")


@pytest.fixture
def config(texts: Path, small_model: Path) -> RunConfig:
    return RunConfig(
        task="classify", data=str(texts), model=str(small_model), max_length=32, training=SETTINGS
    )


def test_what_a_run_leaves(config: RunConfig, tmp_path: Path) -> None:
    said: list[str] = []
    returned = train(config, tmp_path / "run", say=said.append)
    left = {"config.toml", "metrics.jsonl", "result.json", "report.html"}
    left |= {"dev.predictions.jsonl", "model"}
    assert {path.name for path in (tmp_path / "run").iterdir()} == left
    found = result(tmp_path / "run")
    assert found == json.loads(json.dumps(returned))
    assert RunConfig.from_toml(tmp_path / "run" / "config.toml") == config
    assert found["labels"] == [{"label": k, "name": k} for k in ("天气", "订单", "音乐")]
    assert found["splits"]["train"]["rows"] == 90
    assert found["splits"]["dev"]["file"] == "dev.jsonl"
    assert found["scores"]["accuracy_low"] < found["scores"]["accuracy"]
    best = [x for x in metrics(tmp_path / "run") if x["event"] == "epoch"][found["best_epoch"] - 1]
    assert best["accuracy"] == found["scores"]["accuracy"]
    assert best["dev_loss"] == pytest.approx(found["scores"]["loss"])
    # All that was spent, and only once.
    assert found["seconds"] < found["total_seconds"] < 2 * found["seconds"] + 5
    assert said[0].startswith("train: 90 examples from train.jsonl, 0.00% [UNK], 0 cut to fit")


def test_the_same_call_gives_the_same_run(config: RunConfig, tmp_path: Path) -> None:
    for name in ("one", "two"):
        train(config, tmp_path / name)
    assert metrics(tmp_path / "one") == metrics(tmp_path / "two")
    for file in ("model/model.safetensors", "dev.predictions.jsonl", "config.toml"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    train(replace(config, seed=2), tmp_path / "three")
    assert metrics(tmp_path / "one") != metrics(tmp_path / "three")
    found = compare_runs(tmp_path / "one", tmp_path / "three")
    accuracies = [result(tmp_path / name)["scores"]["accuracy"] for name in ("one", "three")]
    assert [found.first, found.second] == accuracies


def test_recomputed_is_the_same_run(config: RunConfig, tmp_path: Path) -> None:
    for name, every in (("kept", 0), ("recomputed", 1)):
        settings = replace(SETTINGS, gradient_checkpointing=every)
        train(replace(config, training=settings), tmp_path / name)
    assert metrics(tmp_path / "kept") == metrics(tmp_path / "recomputed")
    for file in ("model/model.safetensors", "model/config.json", "dev.predictions.jsonl"):
        kept, again = (tmp_path / name / file for name in ("kept", "recomputed"))
        assert kept.read_bytes() == again.read_bytes()


def test_bfloat16_is_close(config: RunConfig, tmp_path: Path) -> None:
    for precision in ("float32", "bfloat16"):
        settings = replace(SETTINGS, lr=0.002, precision=precision)
        assert train(replace(config, training=settings), tmp_path / precision)["precision"] == (
            precision
        )
    exact, rough = (
        [x["train_loss"] for x in metrics(tmp_path / name) if x["event"] == "epoch"]
        for name in ("float32", "bfloat16")
    )
    assert exact != rough
    assert rough == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize("share", [{"layer_decay": 0.5}, {"freeze": 2}, {"patience": 1}])
def test_settings_reach_the_loop(share: dict[str, Any], config: RunConfig, tmp_path: Path) -> None:
    plain = train(config, tmp_path / "plain")
    other = train(replace(config, training=replace(SETTINGS, **share)), tmp_path / "other")
    assert plain["fingerprint"] != other["fingerprint"]
    assert (metrics(tmp_path / "plain") == metrics(tmp_path / "other")) == ("patience" in share)


def test_a_tenth_of_a_single_file_is_held_out(config: RunConfig, tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    write_jsonl(file, rows(90, 1))
    found = train(replace(config, data=str(file)), tmp_path / "run")
    splits = found["splits"]
    assert splits["dev"]["file"] == "held out"
    assert splits["dev"]["also_in_train"] == 0
    assert splits["train"]["rows"] + splits["dev"]["rows"] == 90
    again = train(replace(config, data=str(file)), tmp_path / "again")
    assert again["fingerprint"] == found["fingerprint"]


def test_several_seeds(config: RunConfig, tmp_path: Path) -> None:
    found = train(config, tmp_path / "run", seeds=[1, 2])
    single = train(config, tmp_path / "one", seeds=[2])
    one, two = found["runs"]
    assert (one["seed"], two["seed"]) == (1, 2)
    assert two["scores"] == single["scores"]
    mean = (one["scores"]["accuracy"] + two["scores"]["accuracy"]) / 2
    assert found["scores"]["accuracy"] == pytest.approx(mean)
    assert found["best_run"] in ("seed-1", "seed-2")


# What is odd about the data


def test_labels_that_nobody_can_learn(config: RunConfig, tmp_path: Path) -> None:
    """The label set of a benchmark is known, so a missing label is no error."""
    data = tmp_path / "data"
    data.mkdir()
    pair = {"sentence1": "甲", "sentence2": "乙"}
    labels = ["entailment", "neutral", "-"] * 5
    write_jsonl(data / "train.json", ({**pair, "label": label} for label in labels))
    write_jsonl(data / "dev.json", ({**pair, "label": label} for label in labels[:3]))
    said: list[str] = []
    config = replace(config, task="ocnli", data=str(data))
    found = train(config, tmp_path / "run", say=said.append)
    assert found["splits"]["train"]["labels_without_examples"] == ["contradiction"]
    message = "labels have no training example (contradiction): no model can learn them"
    assert said[-1].endswith(message)
    assert "dev: 2 examples from dev.json" in said[1]
    assert said[1].endswith("1 with two labels, 2 also in train")


@pytest.mark.parametrize(
    ("train_rows", "message"),
    [
        ([{"text": "好", "label": "甲"}], "all rows have the label '甲'"),
        ([{"text": "好", "label": "甲"}, {"text": "坏"}], "line 2, field 'label'"),
        ([{"text": "好", "label": x} for x in "甲乙"], "is not a label of classify"),
    ],
)
def test_data_that_will_not_do(
    train_rows: list[dict[str, object]], message: str, config: RunConfig, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    write_jsonl(data / "train.jsonl", train_rows)
    write_jsonl(data / "dev.jsonl", [{"text": "好", "label": "丙"}])
    with pytest.raises(DataError, match=message):
        train(replace(config, data=str(data)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_one_text_cannot_be_split(config: RunConfig, tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    write_jsonl(file, [{"text": "好", "label": x} for x in "甲乙"])
    with pytest.raises(DataError, match="all rows have the same text"):
        train(replace(config, data=str(file)), tmp_path / "run")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"task": "tnew"}, ConfigError, "no task 'tnew'"),
        ({"data": "nothing"}, DataError, "nothing: there is no such file or folder"),
        ({"model": "nothing"}, CheckpointError, "no model 'nothing'"),
        ({"max_length": 65}, ConfigError, "max_length 65 is more than the 64 positions"),
        ({"pooling": "pooler"}, CheckpointError, "a checkpoint that has a pooler"),
        ({"pooling": "frist"}, ConfigError, "first"),
    ],
)
def test_calls_that_cannot_be(
    change: dict[str, Any],
    error: type[Exception],
    message: str,
    config: RunConfig,
    tmp_path: Path,
) -> None:
    with pytest.raises(error, match=message):
        train(replace(config, **change), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_training_that_goes_astray_says_so(config: RunConfig, tmp_path: Path) -> None:
    settings = replace(config.training, lr=1e30, epochs=2, weight_decay=0.0)
    with pytest.raises(RunError, match="Start again with a smaller --lr"):
        train(replace(config, training=settings), tmp_path / "run")
    assert not (tmp_path / "run" / "model").exists()
    settings = replace(config.training, weight_decay=1e9)
    with pytest.raises(ConfigError, match=r"weight_decay 1e\+09 times the learning rate"):
        train(replace(config, training=settings), tmp_path / "other")


def test_seeds_must_differ(config: RunConfig, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="seeds must differ; got 1 2 1"):
        train(config, tmp_path / "run", seeds=[1, 2, 1])


def test_where_a_run_may_stand(config: RunConfig, tmp_path: Path) -> None:
    train(config, tmp_path / "run")
    with pytest.raises(RunError, match="run exists already; --resume resumes it"):
        train(config, tmp_path / "run")
    train(replace(config, seed=3), tmp_path / "run", overwrite=True)
    assert result(tmp_path / "run")["seed"] == 3
    kept = tmp_path / "run" / "my.jsonl"
    shutil.copy(Path(config.data) / "train.jsonl", kept)
    for change in ({"data": str(kept)}, {"model": str(tmp_path / "run" / "model")}):
        with pytest.raises(RunError, match=r"is in .*run, which --overwrite would remove"):
            train(replace(config, **change), tmp_path / "run", overwrite=True)
    assert kept.exists()
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="it is a file"):
        train(config, tmp_path / "file", overwrite=True)
    with pytest.raises(RunError, match=r"cannot make the folder .*: Not a directory"):
        train(config, tmp_path / "file" / "run")


def test_learning_rates() -> None:
    assert default_learning_rate("scratch-2x128", 128) == 5e-4
    assert default_learning_rate("wenlu-mini", 256) == 1e-3
    assert default_learning_rate("some/folder", 312) == 1e-4
    assert default_learning_rate("some/folder", 768) == 3e-5
