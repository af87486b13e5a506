"""Pretraining, as a training: so many steps on text that does not run out."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from torch import Tensor

from wenlu.optim import parameter_groups
from wenlu.training.keeping import Average, Last
from wenlu.training.loop import micro_batches
from wenlu.training.pretraining.data import PretrainingData
from wenlu.training.pretraining.module import Pretraining
from wenlu.training.pretraining.objectives import Scored
from wenlu.training.pretraining.settings import PretrainingSettings
from wenlu.training.processes import Processes
from wenlu.training.training import Batch, Measure, MicroBatch, Training


def pretraining(
    module: Pretraining,
    data: PretrainingData,
    measure: Measure | None,
    settings: PretrainingSettings,
    *,
    processes: Processes,
) -> Training:
    """Train `module`, and keep its last weights (averaged, if `settings` say so).

    In its Progress, an epoch is a block of `data`, and tokens are counted, without padding.

    Args:
        module: model and objectives.
        data: where batches come from.
        measure: called every so many steps; None to leave it out.
        settings: how to train.
        processes: this process among those that train together.
    """
    steps = settings.steps
    calls, together = micro_batches(settings, processes)

    def batches(place: tuple[int, int]) -> Iterator[Batch]:
        places = data.batches(*place)
        while True:
            taken = list(islice(places, calls * together))
            own = [
                [
                    _micro_batch(data, taken[first + number], number)
                    for number in range(processes.rank, together, processes.count)
                ]
                for first in range(0, len(taken), together)
            ]
            tokens = sum(int(data.lengths(*place).sum()) for place in taken)
            block, last = taken[-1]
            yield Batch(own, tokens, (block, last + 1))

    average = round(settings.average * steps)
    return Training(
        module=module,
        settings=settings,
        learning_rate=settings.lr,
        seed=data.seed,
        steps=steps,
        batches=batches,
        sums=_sums,
        batch_terms=module.batch_terms,
        groups=parameter_groups(
            module, learning_rate=settings.lr, weight_decay=settings.weight_decay
        ),
        measure=measure,
        due=lambda progress: (
            measure is not None
            and progress.step % settings.evaluate_steps == 0
            and 0 < progress.step < steps
        ),
        keep=Average(steps - average) if average else Last(),
        landmark=settings.decay_start(steps) if settings.schedule == "stable" else None,
        title="pretraining",
        unit="tokens",
        event="heldout",
        facts=lambda progress: {"tokens": progress.seen},
    )


def _micro_batch(data: PretrainingData, place: tuple[int, int], number: int) -> MicroBatch:
    batch = data.batch(*place)
    counts = {name: len(labels.targets) for name, labels in batch.labels.items()}
    return MicroBatch(number, batch, counts)


def _sums(outputs: Mapping[str, Any]) -> dict[str, Tensor]:
    return {name: one.losses.sum() for name, one in outputs.items() if isinstance(one, Scored)}
