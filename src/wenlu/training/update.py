"""One update of the weights: the pieces of a batch, on one process or several.

A loss is a sum of terms, and each term a mean over its own elements: the rows of a classifier, the
masked tokens of a language model. How many elements there are in the whole batch is agreed on
before the first piece is worked off, so that in how many pieces, and by how many processes, a batch
is worked off changes nothing but the rounding.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from wenlu.errors import RunError
from wenlu.training.inference import to_device
from wenlu.training.precision import Precision, arithmetic
from wenlu.training.processes import Processes


class Piece(NamedTuple):
    """A part of a batch that is worked off at once."""

    number: int
    """Which piece of the batch; with the update's number it decides the dropout masks."""
    batch: Any
    """What the module takes."""
    counts: Mapping[str, int]
    """Elements of each term of the loss in this piece. 0 where the piece is only here because all
    processes must take part; what the module makes of it then does not count."""


class Updated(NamedTuple):
    """What an update was like."""

    terms: dict[str, float]
    """Each term of the loss, a mean over its elements in the whole batch."""
    norm: float
    """Norm of the gradient, before it was clipped."""

    @property
    def loss(self) -> float:
        """The sum of the terms."""
        return sum(self.terms.values())


def check_finite(done: Updated, step: int) -> None:
    """Raise RunError if an update, the `step`-th, went astray."""
    if not math.isfinite(done.loss) or not math.isfinite(done.norm):
        raise RunError(
            f"the loss became {done.loss} and its gradient's norm {done.norm} in step {step}; "
            "the last checkpoint is intact. Begin again with a smaller --lr or a longer warm-up"
        )


def update(
    module: nn.Module,
    sums: Callable[[Any], Mapping[str, Tensor]],
    pieces: Iterable[Piece],
    optimizer: torch.optim.Optimizer,
    *,
    seeds: tuple[int, int],
    clip: float,
    processes: Processes,
    precision: Precision,
) -> Updated:
    """Add up the gradients of this process's pieces, agree with the others, and move the weights.

    Args:
        module: called with the batch of a piece.
        sums: from what the module returns to the sum over elements of each term of the loss.
        pieces: those of this process; all processes have equally many, and the same terms.
        optimizer: whose gradients are replaced.
        seeds: of the run, and the number of the update.
        clip: largest gradient norm; 0 for no clipping.
        processes: this process among those that train together.
        precision: arithmetic of matrix products.
    """
    pieces = list(pieces)
    names = sorted(pieces[0].counts)
    counts = torch.tensor([[piece.counts[name] for name in names] for piece in pieces]).sum(0)
    if processes.count > 1:
        counts = counts.to(processes.device)
        torch.distributed.all_reduce(counts)
    weights = {name: 1.0 / max(1, n) for name, n in zip(names, counts.tolist(), strict=True)}
    totals = torch.zeros(len(names), device=processes.device)
    optimizer.zero_grad(set_to_none=True)
    for place, piece in enumerate(pieces):
        batch = to_device(piece.batch, processes.device)
        seed_dropout(*seeds, piece.number)
        more = processes.count > 1 and place < len(pieces) - 1
        with module.no_sync() if more else nullcontext():  # type: ignore[operator]
            with arithmetic(precision, processes.device):
                found = sums(module(batch))
            terms = torch.stack(
                [found[name] * (weights[name] if piece.counts[name] else 0.0) for name in names]
            )
            (terms.sum() * processes.count).backward()
        totals += terms.detach()
    if processes.count > 1:
        torch.distributed.all_reduce(totals)
    norm = nn.utils.clip_grad_norm_(module.parameters(), clip or float("inf"))
    optimizer.step()
    return Updated(dict(zip(names, totals.tolist(), strict=True)), float(norm))


def seed_dropout(seed: int, step: int, piece: int) -> None:
    """Start the random stream of one piece of one batch."""
    state = np.random.SeedSequence([seed, step, piece]).generate_state(1, np.uint64)[0]
    torch.manual_seed(int(state))


def distributed(module: nn.Module, processes: Processes) -> nn.Module:
    """The module as the processes run it together."""
    if processes.count == 1:
        return module
    devices = [processes.device] if processes.device.type == "cuda" else None
    return DistributedDataParallel(module, device_ids=devices, gradient_as_bucket_view=True)
