import json
import math
import random
from collections.abc import Callable
from pathlib import Path

import pytest

MakeRun = Callable[..., Path]


def chances(rng: random.Random, labels: list[str], first: str) -> dict[str, float]:
    """Probabilities of up to five labels, the predicted one first."""
    others = rng.sample([each for each in labels if each != first], min(4, len(labels) - 1))
    shares = sorted((rng.random() + 0.05 for _ in range(len(others) + 1)), reverse=True)
    return {
        label: share / sum(shares) for label, share in zip([first, *others], shares, strict=True)
    }


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """A run folder of made-up numbers; `result` and the other arguments change what it holds."""

    def make(
        *,
        classes: int = 15,
        rows: int = 60,
        texts: tuple[str, ...] = ("股市今天大涨", "球队赢得冠军"),
        pair: bool = False,
        finished: bool = True,
        steps: int = 60,
        nan_from: int | None = None,
        name: str = "run",
        names: list[str] | None = None,
        **result: object,
    ) -> Path:
        run = tmp_path / name
        run.mkdir()
        rng = random.Random(classes)
        labels = [str(100 + k) for k in range(classes)]
        with (run / "dev.predictions.jsonl").open("w", encoding="utf-8") as file:
            for row in range(rows):
                gold = rng.choice(labels)
                predicted = gold if rng.random() < 0.6 else rng.choice(labels)
                line = {
                    "id": str(row),
                    "texts": [texts[row % len(texts)]] * (2 if pair else 1),
                    "gold": gold,
                    "predicted": predicted,
                    "probabilities": chances(rng, labels, predicted),
                }
                file.write(json.dumps(line) + "\n")
        with (run / "metrics.jsonl").open("w", encoding="utf-8") as file:
            for step in range(1, steps + 1):
                lost = nan_from is not None and step >= nan_from
                loss = math.nan if lost else 2 / step**0.3
                line = {"event": "step", "step": step, "epoch": step / 20, "loss": loss}
                line |= {"learning_rate": 1e-4, "gradient_norm": 1.0, "examples_per_second": 300.0}
                file.write(json.dumps(line) + "\n")
                if step % 20 == 0:
                    line = {"event": "epoch", "epoch": step // 20, "step": step, "dev_loss": loss}
                    line |= {"train_loss": loss, "accuracy": 0.5 + step / 1000, "macro_f1": 0.4}
                    file.write(json.dumps(line) + "\n")
        (run / "config.toml").write_text(
            'task = "新闻"\n\n[training]\nlr = 1e-4\n', encoding="utf-8"
        )
        if finished:
            shown = names or [f"类别{k}" for k in range(classes)]
            whole = {
                "task": "tnews",
                "main_metric": "accuracy",
                "labels": [
                    {"label": label, "name": name}
                    for label, name in zip(labels, shown, strict=True)
                ],
                "scores": {"accuracy": 0.53, "accuracy_low": 0.5, "accuracy_high": 0.56},
                "best_epoch": 3,
                "epochs": 3,
                "stopped": "finished",
                "splits": {"dev": {"file": "dev.json", "rows": rows, "also_in_train": 7}},
                "seconds": 83.1,
                "parameters": 4_800_000,
                "model": "small",
                "versions": {"wenlu": "0.1.0"},
                "command": "wenlu train tnews",
            }
            (run / "result.json").write_text(json.dumps(whole | result), encoding="utf-8")
        return run

    return make
