"""What a training is: a value that the loop runs.

Fine-tuning and pretraining are two such values. Everything random in a training is a pure function
of (seed, place), so a run that was killed at any moment resumes to bit-identical weights.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor, nn

from wenlu.training.keeping import Keep, Last
from wenlu.training.settings import LoopSettings
from wenlu.training.state import Progress

Measure = Callable[[nn.Module], dict[str, float]]
"""The module as trained so far -> scores; the first process alone calls it."""


class MicroBatch(NamedTuple):
    """A part of a batch that goes through the module at once."""

    number: int
    """Its place among those of the batch; with the number of the step it decides the dropout."""
    batch: Any
    """What the module takes."""
    counts: Mapping[str, int]
    """Elements of each term of the loss. 0 where it is only here because all processes must take
    part; what the module makes of it then does not count."""


class Batch(NamedTuple):
    """What one step learns from."""

    calls: list[list[MicroBatch]]
    """This process's micro-batches, for each call of the optimizer: one call, unless the optimizer
    accumulates inside its momentum."""
    size: int
    """Units of progress (examples, tokens) in the batches of all processes."""
    next: tuple[int, int]
    """Epoch and batch that follow."""


class BatchTerm(NamedTuple):
    """A term of the loss over a whole batch, such as a softmax over all its sentences.

    With several processes, or with cached gradients, it sees the vectors of all micro-batches, one
    process after the other; rows that belong together must be in one micro-batch.
    """

    vectors: Callable[[Any], Tensor]
    """What the module returned -> (n, ...) what is compared."""
    loss: Callable[[Tensor], tuple[Tensor, int]]
    """All vectors of the batch -> sum of the losses and how many they are; without parameters."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """Something to be trained, and how."""

    module: nn.Module
    """Called with a batch."""
    settings: LoopSettings
    learning_rate: float
    """The largest one; the settings may leave it open."""
    seed: int
    steps: int
    """Steps in all."""
    batches: Callable[[tuple[int, int]], Iterator[Batch]]
    """From that epoch and batch on; called once."""
    sums: Callable[[Any], Mapping[str, Tensor]]
    """What the module returned -> the sum of each term over its elements."""
    batch_terms: Mapping[str, BatchTerm] = field(default_factory=dict)
    """Further terms, each over the whole batch."""
    groups: list[dict[str, Any]]
    """Parameters by learning rate and decay; see `wenlu.optim.parameter_groups`."""
    measure: Measure | None = None
    due: Callable[[Progress], bool] = lambda _: False
    """Whether to measure after the step that was just taken."""
    keep: Keep = field(default_factory=Last)
    """Which weights the training ends with."""
    landmark: int | None = None
    """A step whose state is kept for good, in the folder `stable`."""
    title: str = "training"
    unit: str = "examples"
    """What `Batch.size` counts."""
    event: str = "epoch"
    """What a measurement is called in metrics.jsonl."""
    where: Callable[[Progress], str] = lambda _: ""
    """Where the training is, for the progress bar."""
    told: Callable[[Progress, dict[str, float]], str] = lambda progress, scores: tell(
        f"step {progress.step:,}", scores
    )
    """A measurement, as a line for people."""
    facts: Callable[[Progress], dict[str, Any]] = lambda _: {}
    """More for each line of metrics.jsonl."""


def tell(when: str, scores: Mapping[str, float]) -> str:
    """A measurement, as a line for people."""
    return f"{when}: " + ", ".join(f"{name} {value:.4f}" for name, value in scores.items())
