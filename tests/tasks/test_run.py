"""Using what was trained."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import wenlu.tasks.run
from wenlu.errors import CheckpointError, DataError, RunError
from wenlu.tasks import Run, RunConfig
from wenlu.tasks.train import train
from wenlu.training import TrainingSettings

from .small import result, rows

SETTINGS = TrainingSettings(epochs=2, batch_rows=8, lr=0.02, precision="float32")
TEXTS = [str(row["text"]) for row in rows(60, 9)]


@pytest.fixture(scope="module")
def config(texts: Path, small_model: Path) -> RunConfig:
    return RunConfig(
        task="classify", data=str(texts), model=str(small_model), max_length=32, training=SETTINGS
    )


@pytest.fixture(scope="module")
def folder(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "classify"
    train(config, folder)
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return Run(folder)


@pytest.fixture(scope="module")
def pair_run(config: RunConfig, text_pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "match"
    train(replace(config, task="match", data=str(text_pairs)), folder)
    return Run(folder)


# predict


def test_predictions_keep_the_order(run: Run) -> None:
    found = run.predict(TEXTS)
    assert [p.id for p in found] == [str(i) for i in range(len(TEXTS))]
    backwards = run.predict(TEXTS[::-1])
    assert [p.label for p in found] == [p.label for p in backwards[::-1]]
    assert len({p.label for p in found}) > 1
    assert run.predict([]) == []


def test_predictions_do_not_hang_on_their_neighbours(run: Run) -> None:
    """Alone, in one batch, or cut into chunks: the same to six digits."""
    together = run.predict(TEXTS)
    for text, expected in zip(TEXTS, together, strict=True):
        (alone,) = run.predict([text])
        assert alone.probabilities == pytest.approx(expected.probabilities, abs=1e-6)
    longer = run.predict([*TEXTS, "今天" * 15])
    for one, other in zip(longer, together, strict=False):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)


def test_many_texts_are_worked_off_in_chunks(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, told = run.predict(TEXTS), list[tuple[int, int]]()

    monkeypatch.setattr(wenlu.tasks.run, "_CHUNK", 7)
    for one, other in zip(
        run.predict(TEXTS, advance=lambda *numbers: told.append(numbers)), whole, strict=True
    ):
        assert (one.id, one.label) == (other.id, other.label)
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)
    assert told[0] == (0, len(TEXTS))
    assert told[-1] == (len(TEXTS), len(TEXTS))
    assert len(told) > len(TEXTS) / 7


def test_one_text_where_two_belong(run: Run, pair_run: Run) -> None:
    with pytest.raises(DataError, match=r"text 1 has 2 parts; classify takes 1 \(text\)"):
        run.predict(["好", ("好", "坏")])
    message = r"text 0 has 1 parts; match takes 2 \(text_a, text_b\)"
    with pytest.raises(DataError, match=message):
        pair_run.predict(["好"])
    (found,) = pair_run.predict([("今天天气怎么样", "放一首歌")])
    assert found.label in ("相同", "不同")


# evaluate


def test_evaluating_gives_the_scores_of_the_run(run: Run, folder: Path, texts: Path) -> None:
    found, scores = run.evaluate(), result(folder)["scores"]
    assert found["examples"] == 40
    assert found["scores"] == {k: v for k, v in scores.items() if k != "loss"}
    assert run.evaluate(texts)["scores"] == found["scores"]
    assert run.evaluate(texts / "dev.jsonl", split="test")["scores"] == found["scores"]
    assert Run(folder / "model").evaluate(texts)["scores"] == found["scores"]
    assert run.evaluate(split="train")["examples"] == 90


def test_evaluating_in_the_arithmetic_of_the_run(config: RunConfig, tmp_path: Path) -> None:
    settings = replace(SETTINGS, precision="bfloat16")
    train(replace(config, training=settings), tmp_path / "run")
    assert Run(tmp_path / "run").precision == "bfloat16"
    assert Run(tmp_path / "run", precision="float32").precision == "float32"
    scores = result(tmp_path / "run")["scores"]
    assert Run(tmp_path / "run").evaluate()["scores"].items() <= scores.items()


def test_several_seeds_are_their_best(config: RunConfig, tmp_path: Path) -> None:
    found = train(config, tmp_path / "run", seeds=[1, 2])
    run = Run(tmp_path / "run")
    assert run.folder == tmp_path / "run" / found["best_run"]
    (best,) = (r for r in found["runs"] if r["folder"] == found["best_run"])
    assert run.evaluate()["scores"].items() <= best["scores"].items()


def test_splits_that_are_not_there(
    run: Run, folder: Path, config: RunConfig, texts: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="no split 'eval'; there are train, dev and test"):
        run.evaluate(split="eval")
    with pytest.raises(DataError, match="no dev file"):
        run.evaluate(tmp_path)
    with pytest.raises(RunError, match="does not say which data it was made of; give --data"):
        Run(folder / "model").evaluate()
    train(replace(config, data=str(texts / "train.jsonl")), tmp_path / "run")
    alone = Run(tmp_path / "run")
    for split in ("train", "dev", "test"):  # its one file is none of them
        with pytest.raises(RunError, match="a part of which was held out as dev"):
            alone.evaluate(split=split)
    with pytest.raises(RunError, match="a part of which was held out as dev"):
        alone.submit(out=tmp_path / "answers.json")
    shutil.copytree(folder, tmp_path / "moved")
    told = tmp_path / "moved" / "config.toml"
    told.write_text(told.read_text().replace(str(texts), "elsewhere"))
    with pytest.raises(RunError, match=r"elsewhere, which .*moved was made of, is not to be found"):
        Run(tmp_path / "moved").evaluate()


# submit


def test_submit(run: Run, texts: Path, tmp_path: Path) -> None:
    path = run.submit(texts, tmp_path)
    assert path == tmp_path / "predict.json"
    run.task.check_submission(path, run.task.read(texts / "test.jsonl", labelled=False))
    assert run.submit(out=tmp_path / "mine.json").read_bytes() == path.read_bytes()
    assert path.read_text().startswith('{"id": "100", "label": ')


# What is no run


def test_folders_that_are_no_runs(small_model: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no such folder"):
        Run(tmp_path / "nothing")
    with pytest.raises(CheckpointError, match="not fine-tuned by wenlu for a task"):
        Run(small_model)
    (tmp_path / "config.toml").touch()
    with pytest.raises(RunError, match="is not finished; resume it with: wenlu train"):
        Run(tmp_path)
    with pytest.raises(CheckpointError, match="it is a file, and a run is a folder"):
        Run(tmp_path / "config.toml")
    seed = tmp_path / "seeds" / "seed-1"
    seed.mkdir(parents=True)
    (seed / "config.toml").touch()
    with pytest.raises(RunError, match="is not finished; resume it with: wenlu train"):
        Run(seed.parent)
    for best in ('"seed-1"', "3"):
        (seed.parent / "result.json").write_text(f'{{"best_run": {best}}}')
        with pytest.raises(CheckpointError, match="has no folder called model; was it removed"):
            Run(seed.parent)


@pytest.mark.parametrize("change", ["max_length", "labels", "names", "segments", "all"])
def test_a_task_that_is_not_told_whole(change: str, folder: Path, tmp_path: Path) -> None:
    """As another version might tell it."""
    spoiled = tmp_path / "run"
    shutil.copytree(folder, spoiled)
    path = spoiled / "model" / "wenlu.json"
    told = json.loads(path.read_text())
    extra = told["extra"]
    kept = {k: v for k, v in extra.items() if k == "task" or change not in (k, "all")}
    for spoilt in (kept, {**extra, "labels": 3}, {**extra, "max_length": "x"}):
        path.write_text(json.dumps({**told, "extra": spoilt}))
        with pytest.raises(CheckpointError, match="does not say of its task what this version"):
            Run(spoiled)
