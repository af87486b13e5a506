"""All tasks in one go, on tiny sets in the layout of CLUE."""

import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import wenlu.tasks.train
from wenlu.corpus import write_jsonl
from wenlu.errors import CheckpointError, ConfigError, DataError, RunError
from wenlu.tasks.clue import benchmark
from wenlu.tasks.clue.benchmark import ClueConfig, run_clue, task_folder, upload_name
from wenlu.tasks.clue.published import PUBLISHED, TASKS
from wenlu.tasks.registry import task_named
from wenlu.training.settings import TrainingSettings


def titles(count: int, *, labelled: bool = True) -> list[dict[str, object]]:
    kinds = (("103", "国足今晚对阵日本"), ("104", "央行宣布降准"))
    rows = []
    for number in range(count):
        label, text = kinds[number % 2]
        row: dict[str, object] = {"id": number, "sentence": f"{text}{number}"}
        rows.append(row | ({"label": label} if labelled else {}))
    return rows


def questions(count: int, *, labelled: bool = True) -> list[dict[str, object]]:
    rows = []
    for number in range(count):
        row: dict[str, object] = {"id": number, "sentence1": f"怎么退款{number}"}
        row["sentence2"] = ("如何申请退款", "明天会下雨吗")[number % 2]
        rows.append(row | ({"label": str(1 - number % 2)} if labelled else {}))
    return rows


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """TNEWS with two test sets, AFQMC without any, CMNLI without training data."""
    folder = tmp_path / "CLUE"
    for name in ("tnews", "afqmc", "cmnli"):
        (folder / name).mkdir(parents=True)
    for split, count in (("train", 12), ("dev", 6)):
        write_jsonl(folder / "tnews" / f"{split}.json", titles(count))
        write_jsonl(folder / "afqmc" / f"{split}.json", questions(count))
    for split in ("test1.0", "test1.1"):
        write_jsonl(folder / "tnews" / f"{split}.json", titles(4, labelled=False))
    write_jsonl(folder / "cmnli" / "test.json", questions(4, labelled=False))
    return folder


@pytest.fixture
def config(root: Path, small_model: Path) -> ClueConfig:
    return ClueConfig(
        data=str(root),
        model=str(small_model),
        max_length=16,
        training=TrainingSettings(epochs=1, precision="float32"),
    )


def test_all_that_can_be_done_is_done(config: ClueConfig, tmp_path: Path) -> None:
    lines: list[str] = []
    found = run_clue(config, tmp_path / "out", say=lines.append)
    assert list(found["tasks"]) == list(TASKS)
    scored = {name for name, each in found["tasks"].items() if "scores" in each}
    assert scored == {"tnews", "afqmc"}
    assert "no training file" in found["tasks"]["cmnli"]["skipped"]
    assert "no folder for it" in found["tasks"]["c3"]["skipped"]
    result = json.loads((tmp_path / "out/tnews/result.json").read_text("utf-8"))
    assert found["tasks"]["tnews"]["scores"] == result["scores"]
    assert "[2/11] tnews" in lines
    with zipfile.ZipFile(found["archive"]) as archive:
        assert archive.namelist() == ["tnews10_predict.json", "tnews11_predict.json"]
        answers = [json.loads(x) for x in archive.read("tnews10_predict.json").splitlines()]
    assert [each["id"] for each in answers] == ["0", "1", "2", "3"]
    assert "afqmc_predict.json (no test file)" in found["missing"]
    assert "ocnli_50k_predict.json (not trained)" in found["missing"]
    assert len(found["missing"]) == 10


def test_what_is_finished_is_left_alone(
    config: ClueConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run_clue(config, tmp_path / "out")
    packed = Path(first["archive"]).read_bytes()
    written = (tmp_path / "out/submission/tnews10_predict.json").stat().st_mtime_ns
    monkeypatch.setattr(benchmark, "train", lambda *_, **__: pytest.fail("trained again"))
    assert run_clue(config, tmp_path / "out") == first
    assert Path(first["archive"]).read_bytes() == packed
    assert (tmp_path / "out/submission/tnews10_predict.json").stat().st_mtime_ns == written


def test_it_goes_on_where_it_was_stopped(
    config: ClueConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, trained = benchmark.train, []

    def stopped(run: Any, *arguments: Any, **flags: Any) -> Any:  # noqa: ANN401
        if run.task == "afqmc" and not trained.count("afqmc"):
            trained.append("afqmc")
            raise KeyboardInterrupt
        trained.append(run.task)
        return real(run, *arguments, **flags)

    monkeypatch.setattr(benchmark, "train", stopped)
    with pytest.raises(KeyboardInterrupt):
        run_clue(config, tmp_path / "out")
    again = run_clue(config, tmp_path / "out")
    assert trained == ["tnews", "afqmc", "afqmc"]
    whole = run_clue(config, tmp_path / "whole")
    assert again["tasks"]["afqmc"]["scores"] == whole["tasks"]["afqmc"]["scores"]


def test_a_stop_says_how_to_go_on(
    config: ClueConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(wenlu.tasks.train, "fit", stop)
        with pytest.raises(KeyboardInterrupt):
            run_clue(config, tmp_path / "out")
    folder = tmp_path / "out/tnews"
    told = f"stopped; to resume {folder}, give the same command again\n"
    assert capsys.readouterr().err == told
    assert "scores" in run_clue(config, tmp_path / "out")["tasks"]["tnews"]


def test_a_start_that_fails_leaves_nothing(
    config: ClueConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with pytest.raises(CheckpointError, match="no model 'nope'"):
        run_clue(replace(config, model="nope"), out)
    assert not out.exists()
    with pytest.raises(ConfigError, match="65 of tnews is more than the 64 positions"):
        run_clue(replace(config, max_length=65), out)
    assert not out.exists()

    def fail(*_: object, **__: object) -> None:
        raise ConfigError("no")

    monkeypatch.setattr(benchmark, "train", fail)
    with pytest.raises(ConfigError, match="no"):
        run_clue(config, out)
    assert not out.exists()


def test_a_folder_where_nothing_was_trained_is_anybodys(config: ClueConfig, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/clue.toml").write_text("model = 'nope'")  # the process was killed then
    one = replace(config, tasks=("afqmc",))
    assert "scores" in run_clue(one, tmp_path / "out")["tasks"]["afqmc"]


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_all_files_are_read_before_anything_is_trained(
    split: str, config: ClueConfig, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "train", lambda *_, **__: pytest.fail("trained"))
    file = root / "afqmc" / f"{split}.json"
    write_jsonl(file, [*questions(3), {"id": 3, "sentence1": "怎么退款"}])
    with pytest.raises(DataError, match=rf"afqmc/{split}\.json, line 4.*sentence2"):
        run_clue(config, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_answers_to_another_test_file_are_not_packed(
    config: ClueConfig, root: Path, tmp_path: Path
) -> None:
    def packed() -> list[str]:
        with zipfile.ZipFile(run_clue(one, tmp_path / "out")["archive"]) as archive:
            return [json.loads(x)["id"] for x in archive.read(upload.name).splitlines()]

    one = replace(config, tasks=("tnews",))
    upload, test = tmp_path / "out/submission/tnews10_predict.json", root / "tnews/test1.0.json"
    assert packed() == ["0", "1", "2", "3"]
    write_jsonl(test, titles(5, labelled=False))
    long_ago = test.stat().st_mtime_ns - 10**12
    os.utime(test, ns=(long_ago, long_ago))
    assert packed() == ["0", "1", "2", "3", "4"]
    for damaged in (b"", b'{"id": "0", "label": "0"}\n' * 5, b"\xff\n"):
        upload.write_bytes(damaged)
        assert packed() == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("newer", ["CLUE/tnews/test1.0.json", "out/tnews/result.json"])
def test_answers_are_made_anew_where_test_file_or_model_is_newer(
    newer: str, config: ClueConfig, tmp_path: Path
) -> None:
    one = replace(config, tasks=("tnews",))
    run_clue(one, tmp_path / "out")
    upload = tmp_path / "out/submission/tnews10_predict.json"
    made = upload.read_bytes()
    other = [{"id": str(number), "label": "100"} for number in range(4)]
    write_jsonl(upload, other)
    later = upload.stat().st_mtime_ns + 1
    os.utime(tmp_path / newer, ns=(later, later))
    run_clue(one, tmp_path / "out")
    assert upload.read_bytes() == made


def test_other_settings_are_refused_and_more_tasks_are_not(
    config: ClueConfig, tmp_path: Path
) -> None:
    one = replace(config, tasks=("afqmc",))
    run_clue(one, tmp_path / "out")
    other = replace(config, training=TrainingSettings(epochs=2, precision="float32"))
    with pytest.raises(RunError, match="epochs was 1 and is now 2"):
        run_clue(other, tmp_path / "out")
    found = run_clue(config, tmp_path / "out")
    assert "scores" in found["tasks"]["tnews"]


def test_bad_settings(config: ClueConfig, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'tnew' is no task of CLUE; the closest are tnews"):
        replace(config, tasks=("tnew",))
    with pytest.raises(ConfigError, match="tasks must differ"):
        replace(config, tasks=("tnews", "tnews"))
    with pytest.raises(ConfigError, match="seeds must differ; got 1 2 1"):
        replace(config, seeds=(1, 2, 1))
    with pytest.raises(ConfigError, match="seed must not be negative; got -2"):
        replace(config, seeds=(1, -2))
    with pytest.raises(ConfigError, match="max_length must be at least 8; got 0"):
        replace(config, max_length=0)
    with pytest.raises(DataError, match="no such folder"):
        run_clue(replace(config, data=str(tmp_path / "nothing")), tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("x")
    with pytest.raises(RunError, match="holds something else"):
        run_clue(config, tmp_path / "mine")
    assert (tmp_path / "mine/letter.txt").exists()


def test_a_task_has_its_own_number_of_epochs(config: ClueConfig) -> None:
    ten = replace(config, training=TrainingSettings(epochs=10))
    epochs = {name: ten.run(name, Path("x")).training.epochs for name in ("tnews", "afqmc")}
    assert epochs == {"tnews": 10, "afqmc": 10}
    epochs = {name: ten.run(name, Path("x")).training.epochs for name in ("wsc", "chid")}
    assert epochs == {"wsc": 30, "chid": 5}
    unsaid = replace(config, training=TrainingSettings())
    epochs = {name: unsaid.run(name, Path("x")).training.epochs for name in ("csl", "wsc", "chid")}
    assert epochs == {"csl": None, "wsc": 15, "chid": 2}


def test_names(tmp_path: Path) -> None:
    assert upload_name("c310_predict.json", Path("test1.1.json.zst")) == "c311_predict.json"
    assert upload_name("c310_predict.json", Path("test1.0.json")) == "c310_predict.json"
    assert upload_name("afqmc_predict.json", Path("test.json")) == "afqmc_predict.json"
    (tmp_path / "CLUEWSC2020").mkdir()
    assert task_folder(tmp_path, "wsc") == tmp_path / "CLUEWSC2020"
    assert task_folder(tmp_path, "csl") is None


def test_published_scores_are_of_our_tasks() -> None:
    for each in PUBLISHED:
        assert set(each.scores) <= set(TASKS)
        assert all(0 < score < 100 for score in each.scores.values())
    assert len({task_named(name).submission_file for name in ("tnews", "afqmc")}) == 2
