"""The real data of CLUE, where they are: every file is read, and every task runs end to end."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from wenlu.corpus import read_records, write_jsonl
from wenlu.tasks import Run, RunConfig, task_named
from wenlu.tasks.examples import find_split, need_split
from wenlu.tasks.train import train
from wenlu.training import TrainingSettings

CLUE = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "tasks" / "clue"
pytestmark = pytest.mark.skipif(not CLUE.is_dir(), reason="needs the benchmark's data in ../shared")

# Rows of the files; of OCNLI those that people agreed on.
COUNTS = {
    "tnews": {"train": 50_580, "dev": 10_000},
    "iflytek": {"train": 3_024, "dev": 2_599, "test": 2_600},
    "afqmc": {"train": 34_334, "dev": 4_316, "test": 3_861},
    "cmnli": {"dev": 12_241, "test": 13_880},
    "ocnli": {"train": 10_000 - 15, "dev": 480 - 50, "test": 3_000},
}
LARGE = {("tnews", "train"), ("afqmc", "train"), ("cmnli", "dev"), ("ocnli", "train")}
SPLITS = [
    pytest.param(task, split, marks=[pytest.mark.slow] if (task, split) in LARGE else [])
    for task in COUNTS
    for split in ("train", "dev", "test")
]


@pytest.mark.parametrize(("name", "split"), SPLITS)
def test_every_row_is_read(name: str, split: str) -> None:
    task = task_named(name)
    stems = {"train": task.train_files, "dev": task.dev_files, "test": task.test_files}[split]
    paths = find_split(CLUE / name, stems)
    if split not in COUNTS[name]:
        assert paths == []
        return
    [path] = paths
    examples = task.read(path, labelled=split != "test")
    assert len(examples) == COUNTS[name][split]
    assert all(len(example.texts) == len(task.text_fields) for example in examples)
    if split != "test":
        assert {example.label for example in examples} == set(task.labels)


def test_names_of_categories() -> None:
    task = task_named("iflytek")
    named = task.with_names_of(need_split(CLUE / "iflytek", task.train_files, "training")[0])
    assert len(named.names) == 119
    assert named.names["10"] == "社区服务"


@pytest.mark.parametrize(
    "name",
    ["tnews", "ocnli", *(pytest.param(n, marks=pytest.mark.slow) for n in ("afqmc", "iflytek"))],
)
def test_end_to_end(name: str, tmp_path: Path) -> None:
    """Train on 200 examples, measure, hand in."""
    task, data = task_named(name), tmp_path / "data"
    data.mkdir()
    rows = {"train": 200, "dev": 100, "test": 50}
    files = {"train": task.train_files, "dev": task.dev_files, "test": task.test_files}
    for split, count in rows.items():
        for path in find_split(CLUE / name, files[split]):
            target = data / path.name.removesuffix(".zst")
            write_jsonl(target, (r.fields for r in islice(read_records(path), count)))
    config = RunConfig(
        task=name,
        data=str(data),
        model="scratch-2x128",
        training=TrainingSettings(epochs=1, precision="float32"),
    )
    found = train(config, tmp_path / "run")
    assert 190 <= found["splits"]["train"]["rows"] <= 200
    run = Run(tmp_path / "run")
    assert run.evaluate()["scores"].items() <= found["scores"].items()
    if "test" not in COUNTS[name]:
        return
    path = run.submit(out=tmp_path)
    assert path.name == task.submission_file
    [test] = need_split(data, task.test_files, "test")
    run.task.check_submission(path, replace(task).read(test, labelled=False))
    assert len(path.read_text("utf-8").splitlines()) == 50
