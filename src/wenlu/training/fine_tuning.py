"""Fine-tuning, as a training: so many epochs over rows, of which the best is kept."""

from collections.abc import Iterator, Mapping
from itertools import accumulate
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from wenlu.optim import freeze, parameter_groups
from wenlu.training.batching import enough_epochs, plan_batches
from wenlu.training.dataset import Dataset
from wenlu.training.keeping import Best
from wenlu.training.loop import micro_batches
from wenlu.training.processes import Processes
from wenlu.training.settings import TrainingSettings
from wenlu.training.state import Progress
from wenlu.training.training import Batch, BatchTerm, Measure, MicroBatch, Training, tell


def fine_tuning(
    module: nn.Module,
    data: Dataset,
    evaluate: Measure,
    settings: TrainingSettings,
    *,
    learning_rate: float,
    seed: int,
    score: str,
    processes: Processes,
    batch_terms: Mapping[str, BatchTerm] = MappingProxyType({}),
) -> Training:
    """Train `module` on `data`, and keep the weights of its best epoch.

    Args:
        module: called with a batch, returns something with `losses`, one a row.
        data: the rows to learn from.
        evaluate: called after every epoch.
        settings: how to train.
        learning_rate: the largest one, as `settings.lr` may leave it open.
        seed: decides data order and dropout.
        score: the score in what `evaluate` returns by which epochs are compared; more is better.
        processes: this process among those that train together.
        batch_terms: what is learned from, each over a whole batch, in place of `losses`.
    """
    freeze(module, settings.freeze)
    epochs = settings.epochs or default_epochs(data, settings)
    plans = [
        plan_batches(
            data.lengths,
            tokens=settings.batch_tokens,
            rows=settings.batch_rows,
            seed=seed,
            epoch=epoch,
        )
        for epoch in range(epochs)
    ]
    ends = set(accumulate(map(len, plans)))
    names = tuple(batch_terms) or ("loss",)
    per_step, together = micro_batches(settings, processes)
    parts = per_step * together

    def calls(rows: NDArray[np.int64]) -> list[list[MicroBatch]]:
        """This process's micro-batches of those rows, for each call of the optimizer."""
        found = []
        for first in range(0, parts, together):
            own = []
            for number in range(processes.rank, together, processes.count):
                part = rows[first + number :: parts]
                # A batch may have fewer rows than parts; all processes must take part all the same.
                batch = data.batch(part if len(part) else rows[:1])
                own.append(MicroBatch(number, batch, dict.fromkeys(names, len(part))))
            found.append(own)
        return found

    def batches(place: tuple[int, int]) -> Iterator[Batch]:
        epoch, first = place
        for number in range(epoch, epochs):
            for batch in range(first, len(plans[number])):
                rows, last = plans[number][batch], batch + 1 == len(plans[number])
                following = (number + 1, 0) if last else (number, batch + 1)
                yield Batch(calls(rows), len(rows), following)
            first = 0

    return Training(
        module=module,
        settings=settings,
        learning_rate=learning_rate,
        seed=seed,
        steps=max(ends, default=0),
        batches=batches,
        sums=_no_sums if batch_terms else _sums,
        batch_terms=batch_terms,
        groups=parameter_groups(
            module,
            learning_rate=learning_rate,
            weight_decay=settings.weight_decay,
            layer_decay=settings.layer_decay,
        ),
        measure=evaluate,
        due=lambda progress: progress.step in ends,
        keep=Best(score, settings.patience),
        where=lambda progress: f"epoch {min(progress.epoch + 1, epochs)}/{epochs}  ",
        told=lambda progress, scores: tell(f"epoch {progress.epoch}", {score: scores[score]}),
        facts=lambda progress: {"epoch": _epoch(plans, progress)},
    )


def default_epochs(data: Dataset, settings: TrainingSettings) -> int:
    """Passes over `data` where `settings` do not say it."""
    return enough_epochs(data.lengths, tokens=settings.batch_tokens, rows=settings.batch_rows)


def _epoch(plans: list[list[NDArray[np.int64]]], progress: Progress) -> float:
    """Epochs that are finished, with the share of the current one."""
    if not progress.batch:
        return progress.epoch
    return progress.epoch + progress.batch / len(plans[progress.epoch])


def _sums(outputs: Any) -> Mapping[str, Tensor]:  # noqa: ANN401
    return {"loss": outputs.losses.sum()}


def _no_sums(outputs: Any) -> Mapping[str, Tensor]:  # noqa: ANN401, ARG001
    return {}
