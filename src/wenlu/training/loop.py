"""The training loop. It knows batches and losses, and nothing of any task.

Every random choice is a pure function of (seed, epoch, step, piece): the order of the data from
`plan_batches`, the dropout masks from a generator that is seeded anew for each piece of each
batch. So a run that was killed at any moment goes on to bit-identical weights, and several
processes come to what one process comes to, up to the rounding of sums.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from wenlu.optim import factor, freeze, parameter_groups
from wenlu.training.allocator import keep_freed_memory
from wenlu.training.batching import enough_epochs, plan_batches
from wenlu.training.dataset import Dataset
from wenlu.training.metrics_log import MetricsLog
from wenlu.training.precision import resolve_precision
from wenlu.training.processes import Processes
from wenlu.training.progress_bar import ProgressBar
from wenlu.training.settings import TrainingSettings
from wenlu.training.state import Progress, load_state, read_part, save_state, sweep
from wenlu.training.stopping import stop_signals
from wenlu.training.update import Piece, check_finite, distributed, update

Evaluate = Callable[[nn.Module], dict[str, float]]
"""The module as trained so far -> scores; run by the first process alone."""


class Trained(NamedTuple):
    """A finished training; the module holds the best weights."""

    progress: Progress
    stopped: str
    """"finished" or "early stopping"."""


def fit(
    module: nn.Module,
    data: Dataset,
    evaluate: Evaluate,
    settings: TrainingSettings,
    *,
    learning_rate: float,
    seed: int,
    score: str,
    folder: Path,
    fingerprint: str,
    processes: Processes,
    bar: ProgressBar,
) -> Trained:
    """Train `module` on `data`, and leave it with the weights of its best epoch.

    Args:
        module: called with a batch, returns something with `losses`, one a row.
        data: the rows to learn from.
        evaluate: called after every epoch.
        settings: how to train.
        learning_rate: the largest one, as `settings.lr` may leave it open.
        seed: decides data order and dropout.
        score: the score in what `evaluate` returns by which epochs are compared; more is better.
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
    freeze(module, settings.freeze)
    groups = parameter_groups(
        module,
        learning_rate=learning_rate,
        weight_decay=settings.weight_decay,
        layer_decay=settings.layer_decay,
    )
    optimizer = torch.optim.AdamW(groups, fused=True)
    peaks = [group["lr"] for group in optimizer.param_groups]

    states = folder / "checkpoint"
    if processes.first:
        sweep(states)
    processes.wait()
    progress = load_state(states, module, optimizer, fingerprint) or Progress()
    log = MetricsLog(
        folder / "metrics.jsonl", progress.step, progress.epoch, enabled=processes.first
    )
    earlier = progress.seconds

    epochs = settings.epochs or default_epochs(data, settings)
    plans = [_plan(data, settings, seed, epoch) for epoch in range(epochs)]
    steps = sum(map(len, plans))
    warmup = round(settings.warmup * steps)
    step_module = distributed(module, processes)
    precision = resolve_precision(settings.precision, processes.device)

    def save(*, best: bool = False) -> None:
        """Write a checkpoint; the best weights are kept in it, and not in memory."""
        progress.seconds = earlier + time.perf_counter() - began
        if processes.first:
            more = {"best": module.state_dict()} if best else {}
            save_state(states, progress, module, optimizer, more, fingerprint, keep=("best",))

    bar.start("training", total=steps, done=progress.step)
    last_save = time.perf_counter()
    stopped = "finished"
    with stop_signals(enabled=processes.count == 1) as stop:
        while not progress.finished:
            batches = plans[progress.epoch]
            module.train()
            while progress.batch < len(batches):
                start = time.perf_counter()
                rate = factor(settings.schedule, progress.step, steps, warmup)
                for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                    group["lr"] = peak * rate
                rows = batches[progress.batch]
                done = update(
                    step_module,
                    _sums,
                    _pieces(data, rows, settings, processes),
                    optimizer,
                    seeds=(seed, progress.step),
                    clip=settings.clip,
                    processes=processes,
                    precision=precision,
                )
                check_finite(done, progress.step + 1)
                progress.batch += 1
                progress.step += 1
                progress.rows += len(rows)
                progress.epoch_rows += len(rows)
                progress.epoch_loss += done.loss * len(rows)
                progress.training_seconds += time.perf_counter() - start
                speed = progress.rows / progress.training_seconds
                where = f"epoch {progress.epoch + 1}/{epochs}"
                bar.advance(f"{where}  loss {done.loss:.3f}", speed)
                if progress.step % settings.log_steps == 0:
                    log.write(
                        event="step",
                        step=progress.step,
                        epoch=progress.epoch + progress.batch / len(batches),
                        loss=done.loss,
                        learning_rate=learning_rate * rate,
                        gradient_norm=done.norm,
                        examples_per_second=speed,
                    )
                due = settings.checkpoint_steps and progress.step % settings.checkpoint_steps == 0
                if due or time.perf_counter() - last_save > 60 * settings.checkpoint_minutes:
                    save()
                    last_save = time.perf_counter()
                if stop.requested:
                    save()
                    raise KeyboardInterrupt
            bar.note("evaluating")
            module.eval()
            scores = processes.agree(evaluate(module) if processes.first else None)
            progress.epoch += 1
            better = progress.best_epoch == 0 or scores[score] > progress.best[score]
            if better:
                progress.best_epoch, progress.best = progress.epoch, scores
            log.write(
                event="epoch",
                epoch=progress.epoch,
                step=progress.step,
                train_loss=progress.epoch_loss / progress.epoch_rows,
                **{f"dev_{k}" if k == "loss" else k: v for k, v in scores.items()},
            )
            bar.epoch(progress.epoch, scores[score], best=better)
            progress.batch, progress.epoch_rows, progress.epoch_loss = 0, 0, 0.0
            out_of_patience = settings.patience and (
                progress.epoch - progress.best_epoch >= settings.patience
            )
            progress.finished = bool(out_of_patience) or progress.epoch == epochs
            save(best=better)
            last_save = time.perf_counter()
            if stop.requested:  # while the epoch was evaluated
                raise KeyboardInterrupt
    bar.stop()
    if progress.epoch < epochs:
        stopped = "early stopping"
    if processes.first and progress.best_epoch < progress.epoch:
        module.load_state_dict(read_part(states, "best"))
    processes.share(module)
    module.eval()
    return Trained(progress, stopped)


def default_epochs(data: Dataset, settings: TrainingSettings) -> int:
    """Times that `data` is gone through where `settings` do not say it."""
    return enough_epochs(data.lengths, tokens=settings.batch_tokens, rows=settings.batch_rows)


def _plan(
    data: Dataset, settings: TrainingSettings, seed: int, epoch: int
) -> list[NDArray[np.int64]]:
    return plan_batches(
        data.lengths,
        tokens=settings.batch_tokens,
        rows=settings.batch_rows,
        seed=seed,
        epoch=epoch,
    )


def _pieces(
    data: Dataset, rows: NDArray[np.int64], settings: TrainingSettings, processes: Processes
) -> Iterator[Piece]:
    """This process's parts of a batch."""
    count = processes.pieces(settings.pieces)
    for number in range(processes.rank, count, processes.count):
        part = rows[number::count]
        # A batch may have fewer rows than pieces; all processes must take part all the same.
        batch = data.batch(part if len(part) else rows[:1])
        yield Piece(number, batch, {"loss": len(part)})


def _sums(outputs: Any) -> Mapping[str, Tensor]:  # noqa: ANN401
    return {"loss": outputs.losses.sum()}
