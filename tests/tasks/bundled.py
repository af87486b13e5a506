"""A bundled sample set from end to end: trained, measured, used and handed in."""

import json
from pathlib import Path
from typing import Any

import pytest

from wenlu.assets import asset
from wenlu.corpus import write_jsonl
from wenlu.tasks import Run, RunConfig, task_named
from wenlu.tasks.examples import need_split
from wenlu.tasks.train import train
from wenlu.training import TrainingSettings


def sample_folder(name: str) -> Path:
    try:
        return asset("samples", name)
    except Exception as error:
        pytest.skip(f"the sample set {name} is not there: {error}")


def run_sample(
    name: str, *, folder: Path, epochs: int = 1, max_length: int = 0, limit: int = 0
) -> dict[str, Any]:
    """What `result.json` holds; on the way, all that can be done with a run is done and checked."""
    task, data = task_named(name), sample_folder(name)
    config = RunConfig(
        task=name,
        data=str(data),
        model="scratch-2x128",
        max_length=max_length or min(64, task.max_length),
        limit=limit,
        training=TrainingSettings(epochs=epochs, precision="float32"),
    )
    found = train(config, folder / "run")
    assert (folder / "run" / "report.html").stat().st_size > 1000
    run = Run(folder / "run")
    scores = run.evaluate()["scores"]
    assert scores.items() <= found["scores"].items()
    assert 0 <= scores[task.main_metric] <= 1

    [dev] = need_split(data, task.dev_files, "dev")
    examples = run.task.read(dev)
    predictions = run.predict_examples(examples)
    assert len(predictions) == len(examples)
    lines = (folder / "run" / "dev.predictions.jsonl").read_text("utf-8").splitlines()
    for example, prediction, line in zip(examples, predictions, lines, strict=True):
        compared = json.loads(line)
        # Batches differ in their rounding, so only what is said is compared and not how surely.
        assert compared["id"] == run.task.record(example, prediction)["id"] == example.id
        assert compared["gold"] == run.task.compared(example, prediction)["gold"]
        assert compared["predicted"] == run.task.compared(example, prediction)["predicted"]
        assert run.task.told(example, prediction)
    records = [run.task.record(e, p) for e, p in zip(examples, predictions, strict=True)]
    assert write_jsonl(folder / "predictions.jsonl", records) == len(examples)

    path = run.submit(out=folder)
    assert path.name == task.submission_file
    [test] = need_split(data, task.test_files, "test")
    run.task.check_submission(path, run.task.read(test, labelled=False))
    return found
