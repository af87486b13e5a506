"""The pretraining loop: so many updates on text that does not run out.

Like the loop that fine-tunes, it makes every random choice a pure function of (seed, place), so a
run that was killed at any moment goes on to bit-identical weights.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from wenlu.optim import OPTIMIZERS, factor, make_optimizer, parameter_groups
from wenlu.training.ahead import ahead
from wenlu.training.allocator import keep_freed_memory
from wenlu.training.metrics_log import MetricsLog
from wenlu.training.precision import resolve_precision
from wenlu.training.pretraining.averaging import WeightAverage
from wenlu.training.pretraining.data import PretrainingData
from wenlu.training.pretraining.module import Pretraining
from wenlu.training.pretraining.objectives import Scored
from wenlu.training.pretraining.settings import PretrainingSettings
from wenlu.training.processes import Processes
from wenlu.training.progress_bar import ProgressBar
from wenlu.training.state import (
    Progress,
    load_state,
    newest_step,
    read_part,
    save_state,
    sweep,
)
from wenlu.training.stopping import stop_signals
from wenlu.training.update import Piece, check_finite, distributed, update

Measure = Callable[[Pretraining], dict[str, float]]
"""The module as trained so far -> numbers for the log; run by the first process alone."""


def pretrain_module(
    module: Pretraining,
    data: PretrainingData,
    measure: Measure | None,
    settings: PretrainingSettings,
    *,
    folder: Path,
    fingerprint: str,
    processes: Processes,
    bar: ProgressBar,
) -> Progress:
    """Train `module`, and leave it with the final weights (averaged, if `settings` say so).

    In the Progress, an epoch is a block of `data`, and `rows` counts tokens, padding left out.

    Args:
        module: model and objectives.
        data: where batches come from.
        measure: called every so many updates; None to leave it out.
        settings: how to train.
        folder: of the run; `metrics.jsonl` and `checkpoint/` are kept in it. If it holds a
            checkpoint, training goes on from there.
        fingerprint: of everything that the course of the training depends on; a checkpoint made
            with another one is refused.
        processes: this process among those that train together.
        bar: shown while it lasts.
    """
    began = time.perf_counter()
    if processes.device.type == "cpu":
        keep_freed_memory()
    module.to(processes.device)
    # An accumulating optimizer is called for every batch (or for one of each process, together),
    # and moves the weights with every k-th call.
    pieces = processes.pieces(settings.accumulate)
    count = processes.count if OPTIMIZERS[settings.optimizer].accumulates else pieces
    micro_steps = pieces // count
    optimizer = make_optimizer(
        settings.optimizer,
        parameter_groups(module, learning_rate=settings.lr, weight_decay=settings.weight_decay),
        accumulate=micro_steps,
        **({"betas": (0.9, settings.beta2)} if "adam" in settings.optimizer else {}),
    )
    peaks = [group["lr"] for group in optimizer.param_groups]

    states = folder / "checkpoint"
    if processes.first:
        sweep(states)
        sweep(folder / "stable")
    processes.wait()
    progress = load_state(states, module, optimizer, fingerprint) or Progress()
    first_averaged = settings.steps - round(settings.average * settings.steps)
    average = WeightAverage(module) if settings.average else None
    if average is not None and progress.step > first_averaged:
        average.load(read_part(states, "average"))
    log = MetricsLog(
        folder / "metrics.jsonl", progress.step, progress.step, enabled=processes.first
    )
    earlier = progress.seconds
    step_module = distributed(module, processes)
    precision = resolve_precision(settings.precision, processes.device)

    def save(states: Path = states) -> None:
        progress.seconds = earlier + time.perf_counter() - began
        if processes.first:
            averaging = average is not None and average.count > 0
            more = {"average": average.tensors()} if averaging else {}  # type: ignore[union-attr]
            save_state(states, progress, module, optimizer, more, fingerprint)

    places = data.batches(progress.epoch, progress.batch)
    prepared = ahead(_prepared(data, places, count, processes))
    bar.start("pretraining", total=settings.steps, done=progress.step)
    last_save = time.perf_counter()
    with stop_signals(enabled=processes.count == 1) as stop, closing(prepared):
        while progress.step < settings.steps:
            start = time.perf_counter()
            rate = _rate(settings, progress.step)
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * rate
            terms: dict[str, float] = {}
            module.train()
            for micro in range(micro_steps):
                batches = next(prepared)
                done = update(
                    step_module,
                    _sums,
                    batches.pieces,
                    optimizer,
                    seeds=(data.seed, progress.step * micro_steps + micro),
                    clip=settings.clip,
                    processes=processes,
                    precision=precision,
                )
                check_finite(done, progress.step + 1)
                for name, value in done.terms.items():
                    terms[name] = terms.get(name, 0.0) + value / micro_steps
                progress.rows += batches.tokens
                progress.epoch, progress.batch = batches.next
            progress.step += 1
            loss = sum(terms.values())
            if average is not None and progress.step > first_averaged:
                average.add(module)
            progress.training_seconds += time.perf_counter() - start
            speed = progress.rows / progress.training_seconds
            bar.advance(f"loss {loss:.3f}", speed, unit="tokens")
            if progress.step % settings.log_steps == 0:
                log.write(
                    event="step",
                    step=progress.step,
                    tokens=progress.rows,
                    loss=loss,
                    **{f"{name}_loss": value for name, value in terms.items()},
                    learning_rate=settings.lr * rate,
                    gradient_norm=done.norm,
                    tokens_per_second=speed,
                )
            if measure is not None and (
                progress.step % settings.evaluate_steps == 0 and progress.step < settings.steps
            ):
                bar.note("measuring on the held-out text")
                numbers = processes.agree(measure(module) if processes.first else None)
                log.write(event="heldout", step=progress.step, tokens=progress.rows, **numbers)
                bar.line(_told(progress.step, numbers))
            falls = settings.schedule == "stable" and progress.step == decay_start(settings)
            if falls and newest_step(folder / "stable") != progress.step:
                save(folder / "stable")  # to extend the run after its end
            due = settings.checkpoint_steps and progress.step % settings.checkpoint_steps == 0
            late = time.perf_counter() - last_save > 60 * settings.checkpoint_minutes
            if due or late or progress.step == settings.steps or stop.requested:
                save()
                last_save = time.perf_counter()
            if stop.requested and progress.step < settings.steps:
                raise KeyboardInterrupt
    bar.stop()
    if average is not None and average.count:
        module.load_state_dict(average.mean)
    module.eval()
    processes.wait()
    return progress


def decay_start(settings: PretrainingSettings) -> int:
    """The number of updates after which the schedule "stable" begins to fall."""
    return int(settings.steps - settings.decay * settings.steps)


def _rate(settings: PretrainingSettings, step: int) -> float:
    warmup = min(settings.warmup_steps, settings.steps)
    return factor(settings.schedule, step, settings.steps, warmup, settings.decay)


class _Batches(NamedTuple):
    """What the optimizer is called with once."""

    pieces: list[Piece]
    """This process's batches."""
    tokens: int
    """Of the batches of all processes, padding left out."""
    next: tuple[int, int]
    """The block and batch behind them."""


def _prepared(
    data: PretrainingData, places: Iterator[tuple[int, int]], count: int, processes: Processes
) -> Iterator[_Batches]:
    """The batches of `places`, `count` at a time, without end."""
    while True:
        taken = list(islice(places, count))
        pieces = []
        for number in range(processes.rank, count, processes.count):
            batch = data.batch(*taken[number])
            counts = {name: len(labels.targets) for name, labels in batch.labels.items()}
            pieces.append(Piece(number, batch, counts))
        tokens = sum(int(data.lengths(*place).sum()) for place in taken)
        block, last = taken[-1]
        yield _Batches(pieces, tokens, (block, last + 1))


def _sums(scored: Mapping[str, Scored]) -> dict[str, Tensor]:
    return {name: one.losses.sum() for name, one in scored.items()}


def _told(step: int, numbers: Mapping[str, Any]) -> str:
    return f"step {step:,}: " + ", ".join(f"{k} {v:.4f}" for k, v in numbers.items())
