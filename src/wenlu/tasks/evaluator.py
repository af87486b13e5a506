"""A model measured on labelled examples."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from wenlu.corpus import write_jsonl
from wenlu.evaluation import wilson_interval
from wenlu.tasks.examples import Example
from wenlu.tasks.predicting import predict_rows
from wenlu.tasks.task import Encoded, Task
from wenlu.training import TrainingSettings

_SHARES = ("accuracy", "exact_match")
"""Scores that are a share of the items of a task, so that they have a binomial interval."""


class Evaluator:
    """Runs a module over a labelled set and scores it."""

    def __init__(
        self,
        task: Task,
        examples: Sequence[Example[Any]],
        rows: Encoded,
        settings: TrainingSettings,
    ) -> None:
        self.task, self.examples, self.rows, self.settings = task, examples, rows, settings
        self.last: tuple[list[Any], dict[str, float]] | None = None
        """What the last call found: predictions and scores."""

    def __call__(self, module: nn.Module) -> dict[str, float]:
        self.last = self.predict(module)
        return self.last[1]

    def predict(self, module: nn.Module) -> tuple[list[Any], dict[str, float]]:
        """Predictions and scores; "loss" is the mean over the rows, where they have targets."""
        total = 0.0

        def keep(losses: Tensor | None) -> None:
            nonlocal total
            total += float("nan") if losses is None else float(losses.double().sum())

        predictions = predict_rows(
            self.task,
            module,
            self.examples,
            self.rows,
            precision=self.settings.precision,
            losses=keep,
        )
        scores = self.task.score(self.examples, predictions)
        loss = total / max(1, len(self.rows.data.lengths))
        return predictions, {**scores, **({} if math.isnan(loss) else {"loss": loss})}


def with_interval(scores: dict[str, float], items: int) -> dict[str, float]:
    """Scores with the 95 % interval of those that are shares of so many items."""
    found = dict(scores)
    for name in _SHARES:
        if name in scores:
            low, high = wilson_interval(round(scores[name] * items), items)
            found |= {f"{name}_low": low, f"{name}_high": high}
    return found


def write_predictions(
    path: Path, task: Task, examples: Sequence[Example[Any]], predictions: Sequence[Any]
) -> None:
    """A line an example: what was said of it, beside the gold label."""
    write_jsonl(
        path,
        (
            task.compared(example, prediction)
            for example, prediction in zip(examples, predictions, strict=True)
        ),
    )
