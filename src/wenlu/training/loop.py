"""The training loop. It knows batches and losses, and nothing of any task.

Every random choice is a pure function of (seed, epoch, step, piece): the order of the data from
`plan_batches`, the dropout masks from a generator that is seeded anew for each piece of each
batch. So a run that was killed at any moment goes on to bit-identical weights, and several
processes come to what one process comes to, up to the rounding of sums.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from wenlu.optim import factor, freeze, parameter_groups
from wenlu.training.allocator import keep_freed_memory
from wenlu.training.batching import plan_batches
from wenlu.training.dataset import Dataset
from wenlu.training.inference import to_device
from wenlu.training.metrics_log import MetricsLog
from wenlu.training.precision import Precision, arithmetic, resolve_precision
from wenlu.training.processes import Processes
from wenlu.training.progress_bar import ProgressBar
from wenlu.training.settings import TrainingSettings
from wenlu.training.state import Progress, load_state, save_state, sweep

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
    progress, best = load_state(states, module, optimizer, fingerprint) or (Progress(), {})
    log = MetricsLog(
        folder / "metrics.jsonl", progress.step, progress.epoch, enabled=processes.first
    )
    earlier = progress.seconds

    plans = [_plan(data, settings, seed, epoch) for epoch in range(settings.epochs)]
    steps = sum(map(len, plans))
    warmup = round(settings.warmup * steps)
    step_module = _distributed(module, processes)
    precision = resolve_precision(settings.precision, processes.device)

    update = partial(
        _update, step_module, optimizer, data, settings, processes=processes, precision=precision
    )

    def save() -> None:
        progress.seconds = earlier + time.perf_counter() - began
        if processes.first:
            save_state(states, progress, module, optimizer, best, fingerprint)

    bar.start("training", total=steps, done=progress.step)
    last_save = time.perf_counter()
    stopped = "finished"
    with _stop_signals(enabled=processes.count == 1) as stop:
        while not progress.finished:
            batches = plans[progress.epoch]
            module.train()
            while progress.batch < len(batches):
                start = time.perf_counter()
                rate = factor(settings.schedule, progress.step, steps, warmup)
                for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                    group["lr"] = peak * rate
                rows = batches[progress.batch]
                loss, norm = update(rows, seeds=(seed, progress.step))
                progress.batch += 1
                progress.step += 1
                progress.rows += len(rows)
                progress.epoch_rows += len(rows)
                progress.epoch_loss += loss * len(rows)
                progress.training_seconds += time.perf_counter() - start
                speed = progress.rows / progress.training_seconds
                bar.advance(f"epoch {progress.epoch + 1}/{settings.epochs}  loss {loss:.3f}", speed)
                if progress.step % settings.log_steps == 0:
                    log.write(
                        event="step",
                        step=progress.step,
                        epoch=progress.epoch + progress.batch / len(batches),
                        loss=loss,
                        learning_rate=learning_rate * rate,
                        gradient_norm=norm,
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
            if progress.best_epoch == 0 or scores[score] > progress.best[score]:
                progress.best_epoch, progress.best = progress.epoch, scores
                best = {k: v.detach().cpu().clone() for k, v in module.state_dict().items()}
            log.write(
                event="epoch",
                epoch=progress.epoch,
                step=progress.step,
                train_loss=progress.epoch_loss / progress.epoch_rows,
                **{f"dev_{k}" if k == "loss" else k: v for k, v in scores.items()},
            )
            bar.epoch(progress.epoch, scores[score], best=progress.best_epoch == progress.epoch)
            progress.batch, progress.epoch_rows, progress.epoch_loss = 0, 0, 0.0
            out_of_patience = settings.patience and (
                progress.epoch - progress.best_epoch >= settings.patience
            )
            progress.finished = bool(out_of_patience) or progress.epoch == settings.epochs
            save()
            last_save = time.perf_counter()
            if stop.requested:  # while the epoch was evaluated
                raise KeyboardInterrupt
    bar.stop()
    if progress.epoch < settings.epochs:
        stopped = "early stopping"
    module.load_state_dict(best)
    module.eval()
    processes.wait()
    return Trained(progress, stopped)


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


def _distributed(module: nn.Module, processes: Processes) -> nn.Module:
    if processes.count == 1:
        return module
    devices = [processes.device] if processes.device.type == "cuda" else None
    return DistributedDataParallel(module, device_ids=devices, gradient_as_bucket_view=True)


def _update(
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    data: Dataset,
    settings: TrainingSettings,
    rows: NDArray[np.int64],
    *,
    seeds: tuple[int, int],
    processes: Processes,
    precision: Precision,
) -> tuple[float, float]:
    """One update by the mean gradient over `rows`: their mean loss, and the gradient's norm."""
    pieces = processes.pieces(settings.pieces)
    own = range(processes.rank, pieces, processes.count)
    total = torch.zeros((), device=processes.device)
    optimizer.zero_grad(set_to_none=True)
    for piece in own:
        part = rows[piece::pieces]
        # A batch may have fewer rows than pieces; all processes must take part all the same.
        weight = 0.0 if len(part) == 0 else 1.0
        batch = to_device(data.batch(part if len(part) else rows[:1]), processes.device)
        seed_dropout(*seeds, piece)
        more = processes.count > 1 and piece != own[-1]
        with module.no_sync() if more else nullcontext():  # type: ignore[operator]
            with arithmetic(precision, processes.device):
                losses: Tensor = module(batch).losses
            loss = losses.sum() * (weight / len(rows))
            (loss * processes.count).backward()
        total += loss.detach()
    if processes.count > 1:
        torch.distributed.all_reduce(total)
    norm = nn.utils.clip_grad_norm_(
        module.parameters(), settings.clip if settings.clip else float("inf")
    )
    optimizer.step()
    return float(total), float(norm)


def seed_dropout(seed: int, step: int, piece: int) -> None:
    """Start the random stream of one piece of one batch."""
    state = np.random.SeedSequence([seed, step, piece]).generate_state(1, np.uint64)[0]
    torch.manual_seed(int(state))


class _Stop:
    requested = False


@contextmanager
def _stop_signals(*, enabled: bool) -> Iterator[_Stop]:
    """Let the first Ctrl-C (or polite kill) finish the update and save; a second one is at once."""
    stop = _Stop()

    def ask(number: int, frame: FrameType | None) -> None:
        del number, frame
        if stop.requested:
            raise KeyboardInterrupt
        stop.requested = True

    if not enabled:
        yield stop
        return
    try:
        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread: signals are somebody else's
        yield stop
        return
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
