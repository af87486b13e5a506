"""One step: the micro-batches of a batch, on one process or several.

A loss is a sum of terms, and each term a mean over its own elements: the rows of a classifier, the
masked tokens of a language model. Counts are agreed on before the first micro-batch, so the number
of micro-batches and of processes changes nothing but the rounding.
"""

import math
from contextlib import nullcontext
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from wenlu.errors import RunError
from wenlu.training.inference import to_device
from wenlu.training.precision import Precision, arithmetic
from wenlu.training.processes import Processes
from wenlu.training.training import MicroBatch, Training


class Stepped(NamedTuple):
    """What a step was like."""

    terms: dict[str, float]
    """Each term of the loss, a mean over its elements in the whole batch."""
    norm: float
    """Norm of the gradient, before it was clipped."""

    @property
    def loss(self) -> float:
        """The sum of the terms."""
        return sum(self.terms.values())


def check_finite(done: Stepped, step: int) -> None:
    """Raise RunError if the `step`-th step diverged."""
    if not math.isfinite(done.loss) or not math.isfinite(done.norm):
        raise RunError(
            f"training diverged: the loss is {done.loss} and its gradient's norm {done.norm} at "
            f"step {step}; the last checkpoint is intact. Start again with a smaller --lr, a "
            "smaller --weight-decay or a longer --warmup"
        )


def take_step(
    training: Training,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    call: list[MicroBatch],
    *,
    seeds: tuple[int, int],
    processes: Processes,
    precision: Precision,
) -> Stepped:
    """Add up the gradients of this process's micro-batches, agree with the others, move.

    Args:
        training: says what the loss is.
        module: the training's, as the processes run it together.
        optimizer: whose gradients are replaced.
        call: this process's micro-batches; all processes have equally many, with the same terms.
        seeds: of the run, and the number of the step.
        processes: this process among those that train together.
        precision: arithmetic of matrix products.
    """
    device = processes.device
    names = sorted(call[0].counts.keys() - training.batch_terms.keys())
    counts = torch.tensor([[micro.counts[name] for name in names] for micro in call]).sum(0)
    if processes.count > 1:
        counts = counts.to(device)
        torch.distributed.all_reduce(counts)
    weights = {name: 1.0 / max(1, int(n)) for name, n in zip(names, counts.tolist(), strict=True)}
    totals = torch.zeros(len(names), device=device)
    means: dict[str, float] = {}
    cached: list[dict[str, Tensor]] = []
    if training.batch_terms and len(call) > 1:
        vectors = []
        for micro in call:
            seed_dropout(*seeds, micro.number)
            with torch.no_grad(), arithmetic(precision, device):
                vectors.append(_vectors(training, micro, module(to_device(micro.batch, device))))
        cached, means = _gradients(training, vectors, processes)
    optimizer.zero_grad(set_to_none=True)
    for place, micro in enumerate(call):
        batch = to_device(micro.batch, device)
        seed_dropout(*seeds, micro.number)
        more = processes.count > 1 and place < len(call) - 1
        with module.no_sync() if more else nullcontext():  # type: ignore[operator]
            whole = None
            with arithmetic(precision, device):
                outputs = module(batch)
                found = training.sums(outputs)
                if cached:
                    own = _vectors(training, micro, outputs)
                    whole = sum((own[name] * cached[place][name]).sum() for name in own)
                elif training.batch_terms:
                    whole, means = _compare(training, _vectors(training, micro, outputs), processes)
            terms = [found[name] * (weights[name] if micro.counts[name] else 0.0) for name in names]
            loss = torch.stack(terms) if terms else totals
            total = loss.sum() if whole is None else loss.sum() + whole
            (total * processes.count).backward()
        totals += loss.detach()
    if processes.count > 1:
        torch.distributed.all_reduce(totals)
    norm = nn.utils.clip_grad_norm_(module.parameters(), training.settings.clip or float("inf"))
    optimizer.step()
    return Stepped(dict(zip(names, totals.tolist(), strict=True)) | means, float(norm))


def seed_dropout(seed: int, step: int, micro: int) -> None:
    """Start the random stream of one micro-batch of one step."""
    state = np.random.SeedSequence([seed, step, micro]).generate_state(1, np.uint64)[0]
    torch.manual_seed(int(state))


def distributed(module: nn.Module, processes: Processes) -> nn.Module:
    """The module as the processes run it together."""
    if processes.count == 1:
        return module
    devices = [processes.device] if processes.device.type == "cuda" else None
    return DistributedDataParallel(module, device_ids=devices, gradient_as_bucket_view=True)


def _vectors(training: Training, micro: MicroBatch, outputs: object) -> dict[str, Tensor]:
    """What each term over the whole batch compares; nothing of rows that do not count."""
    return {
        name: term.vectors(outputs) if micro.counts[name] else term.vectors(outputs)[:0]
        for name, term in training.batch_terms.items()
    }


def _compare(
    training: Training, vectors: dict[str, Tensor], processes: Processes
) -> tuple[Tensor, dict[str, float]]:
    """The sum of the terms over the whole batch, and each of them."""
    found = {}
    for name, term in training.batch_terms.items():
        loss, count = term.loss(processes.gather(vectors[name]))
        found[name] = loss / max(1, count)
    return torch.stack(list(found.values())).sum(), {k: float(v.detach()) for k, v in found.items()}


def _gradients(
    training: Training, vectors: list[dict[str, Tensor]], processes: Processes
) -> tuple[list[dict[str, Tensor]], dict[str, float]]:
    """For each micro-batch the gradient at what it compares, and each term over the whole batch.

    With these, each micro-batch can go through the module alone: the gradient of the sum of
    vectors times their gradients is that of the loss.
    Paper: "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup".
    """
    whole = {
        name: torch.cat([one[name] for one in vectors]).requires_grad_()
        for name in training.batch_terms
    }
    loss, means = _compare(training, whole, processes)
    loss.backward()
    parts = {
        name: tensor.grad.split([len(one[name]) for one in vectors])  # type: ignore[union-attr]
        for name, tensor in whole.items()
    }
    return [{name: part[i] for name, part in parts.items()} for i in range(len(vectors))], means
