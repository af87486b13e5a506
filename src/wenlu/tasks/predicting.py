"""From rows to predictions: a trained module is run, and its task reads its outputs."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from wenlu.tasks.examples import Example
from wenlu.tasks.task import Encoded, Task
from wenlu.training import run


def predict_rows(
    task: Task,
    module: nn.Module,
    examples: Sequence[Example[Any]],
    encoded: Encoded,
    *,
    precision: str,
    losses: Callable[[Tensor | None], None] | None = None,
    advance: Callable[[int], None] | None = None,
) -> list[Any]:
    """A prediction for each example.

    Args:
        task: reads the outputs.
        module: made by `task.build`.
        examples: what to predict.
        encoded: the same, as `task.encode` gives them.
        precision: as in `TrainingSettings`.
        losses: called with the losses of each batch.
        advance: called with the number of rows after each batch.
    """
    found: list[Any] = [None] * len(encoded.data.lengths)
    for rows, outputs in run(module, encoded.data, precision=precision, advance=advance):
        if losses is not None:
            losses(outputs.losses)
        for row, item in zip(rows.tolist(), task.collect(outputs), strict=True):
            found[row] = item
    return task.decode(found, examples, encoded)
