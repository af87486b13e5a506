"""A model measured on labelled examples."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from scipy.sparse import csr_array
from torch import Tensor, nn

from wenlu.corpus import write_jsonl
from wenlu.evaluation.counting import Counted, values
from wenlu.tasks.examples import Example
from wenlu.tasks.predicting import predict_rows
from wenlu.tasks.task import Encoded, Task
from wenlu.training import TrainingSettings


class Measured(NamedTuple):
    """What a model makes of a labelled set."""

    predictions: list[Any]
    scores: dict[str, Counted]
    loss: float | None

    @property
    def values(self) -> dict[str, float]:
        """The scores and the loss."""
        return values(self.scores) | ({} if self.loss is None else {"loss": self.loss})


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
        self.last: Measured | None = None
        """What the last call found."""

    def __call__(self, module: nn.Module) -> dict[str, float]:
        self.last = self.measure(module)
        return self.last.values

    def measure(self, module: nn.Module) -> Measured:
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
        return Measured(predictions, scores, None if math.isnan(loss) else loss)


def with_intervals(scores: Mapping[str, Counted]) -> dict[str, float]:
    """Scores, each with its 95 % interval."""
    found: dict[str, float] = {}
    for name, score in scores.items():
        low, high = score.interval()
        found |= {name: score.value, f"{name}_low": low, f"{name}_high": high}
    return found


def write_predictions(
    path: Path, task: Task, examples: Sequence[Example[Any]], measured: Measured
) -> None:
    """A line an example: the prediction beside the gold label, and its counts (main metric)."""
    counts = measured.scores[task.main_metric].counts
    dense = counts.toarray() if isinstance(counts, csr_array) else counts
    write_jsonl(
        path,
        (
            task.compared(example, prediction)
            | {"counts": [int(x) if x.is_integer() else x for x in row]}
            for example, prediction, row in zip(
                examples, measured.predictions, dense.tolist(), strict=True
            )
        ),
    )
