"""Running a trained module over many rows: sorted by length, without gradients."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from wenlu.training.allocator import keep_freed_memory
from wenlu.training.batching import in_length_order
from wenlu.training.dataset import Dataset
from wenlu.training.precision import arithmetic, resolve_precision


def to_device(batch: Any, device: torch.device) -> Any:  # noqa: ANN401
    """The same batch with its tensors on `device`."""
    if device.type == "cpu":
        return batch
    if hasattr(batch, "to"):
        return batch.to(device, non_blocking=True)
    return type(batch)(*(x.to(device, non_blocking=True) if x is not None else x for x in batch))


def run(
    module: nn.Module,
    data: Dataset,
    *,
    batch_tokens: int = 4096,
    batch_rows: int = 256,
    precision: str = "auto",
    advance: Callable[[int], None] | None = None,
) -> Iterator[tuple[NDArray[np.int64], Any]]:
    """The module's outputs batch by batch, with the rows that each batch held.

    Args:
        module: called with a batch; put into evaluation mode.
        data: the rows.
        batch_tokens: budget of a batch.
        batch_rows: largest number of rows of a batch.
        precision: as in `TrainingSettings`.
        advance: called with the number of rows after each batch.
    """
    module.eval()
    device = next(module.parameters()).device
    if device.type == "cpu":
        keep_freed_memory()
    resolved = resolve_precision(precision, device)
    for rows in in_length_order(data.lengths, tokens=batch_tokens, rows=batch_rows):
        with torch.inference_mode(), arithmetic(resolved, device):
            outputs = module(to_device(data.batch(rows), device))
        yield rows, outputs
        if advance is not None:
            advance(len(rows))


def gather_rows(parts: list[tuple[NDArray[np.int64], Tensor]]) -> Tensor:
    """Put batches' rows back into the order of the data."""
    rows = torch.from_numpy(np.concatenate([rows for rows, _ in parts]))
    values = torch.cat([value for _, value in parts])
    ordered = torch.empty_like(values)
    ordered[rows] = values
    return ordered
