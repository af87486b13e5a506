"""The training loop. It runs a `Training` and knows nothing of any task.

Every random choice is a pure function of (seed, place): the order of the data comes from the
training's `batches`, the dropout masks from a generator that is seeded anew for each micro-batch
of each step. So a run that was killed at any moment resumes to bit-identical weights, and several
processes come to what one process comes to, up to the rounding of sums.
"""

import math
import time
from contextlib import closing
from pathlib import Path

from wenlu.errors import ConfigError, RunError
from wenlu.optim import OPTIMIZERS, factor, make_optimizer
from wenlu.training.allocator import keep_freed_memory
from wenlu.training.keeping import trained_weights
from wenlu.training.metrics_log import MetricsLog
from wenlu.training.precision import resolve_precision
from wenlu.training.prefetch import prefetch
from wenlu.training.processes import Processes
from wenlu.training.progress_bar import ProgressBar
from wenlu.training.settings import LoopSettings
from wenlu.training.state import Progress, load_state, read_part, save_state, sweep
from wenlu.training.step import check_finite, distributed, take_step
from wenlu.training.stopping import stop_signals
from wenlu.training.training import Training


def fit(
    training: Training,
    *,
    folder: Path,
    fingerprint: str,
    processes: Processes,
    bar: ProgressBar,
) -> Progress:
    """Run a training, and leave its module with the weights that are kept, in evaluation mode.

    Args:
        training: what to train, and how.
        folder: of the run; `metrics.jsonl` and `checkpoint/` are kept in it. If it holds a
            checkpoint, the training resumes from there.
        fingerprint: of everything that the course of the training depends on; a checkpoint made
            with another one is refused.
        processes: this process among those that train together.
        bar: shown while it lasts.
    """
    began = time.perf_counter()
    if processes.device.type == "cpu":
        keep_freed_memory()
    _check(training, processes)
    module, settings, keep = training.module, training.settings, training.keep
    module.to(processes.device)
    calls, _ = micro_batches(settings, processes)
    adam = "adam" in settings.optimizer
    optimizer = make_optimizer(
        settings.optimizer,
        training.groups,
        accumulate=calls,
        **({"betas": (0.9, settings.beta2)} if adam else {}),
    )
    peaks = [group["lr"] for group in optimizer.param_groups]
    warmup = settings.warmup_steps(training.steps)

    states = folder / "checkpoint"
    if processes.first:
        sweep(states)
        sweep(folder / "stable")
    processes.wait()
    progress = load_state(states, module, optimizer, fingerprint) or Progress()
    keep.resume(progress, module, lambda name: read_part(states, name))
    log = MetricsLog(
        folder / "metrics.jsonl", progress.step, progress.measured, enabled=processes.first
    )
    earlier = progress.seconds
    step_module = distributed(module, processes)
    precision = resolve_precision(settings.precision, processes.device)
    last_save = time.perf_counter()

    def save(where: Path = states, *, best: bool = False) -> None:
        nonlocal last_save
        progress.seconds = earlier + time.perf_counter() - began
        if processes.first:
            parts = {"model": trained_weights(module), **keep.parts(module, best=best)}
            save_state(where, progress, parts, optimizer, fingerprint, carried=keep.carried)
        last_save = time.perf_counter()

    def measure() -> None:
        """Measure once, however often the run is killed meanwhile."""
        if training.measure is None or progress.measured == progress.step:
            return
        if not training.due(progress):
            return
        bar.note("evaluating")
        module.eval()
        scores = processes.agree(training.measure(module) if processes.first else None)
        if any(math.isnan(score) for score in scores.values()):
            raise RunError(
                f"training diverged: after step {progress.step} the scores are no numbers; the "
                "last checkpoint is intact. Start again with a smaller --lr"
            )
        best = keep.after_measurement(progress, scores)
        progress.measured = progress.step
        log.write(
            event=training.event,
            step=progress.step,
            **training.facts(progress),
            train_loss=progress.epoch_loss / progress.epoch_seen,
            **{f"dev_{k}" if k == "loss" else k: v for k, v in scores.items()},
        )
        bar.line(training.told(progress, scores) + "  (best so far)" * best)
        progress.epoch_seen, progress.epoch_loss = 0, 0.0
        save(best=best)

    bar.start(training.title, total=training.steps, done=progress.step)
    source = prefetch(training.batches((progress.epoch, progress.batch)))
    with stop_signals(enabled=processes.count == 1) as stop, closing(source):
        while True:
            measure()
            stop.raise_if_asked()
            if progress.end or progress.step == training.steps:
                break
            start = time.perf_counter()
            rate = factor(settings.schedule, progress.step, training.steps, warmup, settings.decay)
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * rate
            module.train()
            batch = next(source)
            terms: dict[str, float] = {}
            for number, call in enumerate(batch.calls):
                done = take_step(
                    training,
                    step_module,
                    optimizer,
                    call,
                    seeds=(training.seed, progress.step * len(batch.calls) + number),
                    processes=processes,
                    precision=precision,
                )
                check_finite(done, progress.step + 1)
                for name, value in done.terms.items():
                    terms[name] = terms.get(name, 0.0) + value / len(batch.calls)
            loss = sum(terms.values())
            progress.advance(batch.size, batch.next, loss)
            keep.after_step(progress, module)
            progress.training_seconds += time.perf_counter() - start
            speed = progress.seen / progress.training_seconds
            bar.advance(f"{training.where(progress)}loss {loss:.3f}", speed, unit=training.unit)
            if progress.step % settings.log_steps == 0:
                several = {f"{k}_loss": v for k, v in terms.items() if k != "loss"}
                log.write(
                    event="step",
                    step=progress.step,
                    **training.facts(progress),
                    loss=loss,
                    **several,
                    learning_rate=training.learning_rate * rate,
                    gradient_norm=done.norm,
                    **{f"{training.unit}_per_second": speed},
                )
            if progress.step == training.landmark:
                save(folder / "stable")
            due = settings.checkpoint_steps and progress.step % settings.checkpoint_steps == 0
            late = time.perf_counter() - last_save > 60 * settings.checkpoint_minutes
            ends = progress.step == training.steps and not training.due(progress)
            if due or late or ends or stop.number is not None:
                save()
    bar.stop()
    if progress.step == training.steps:
        progress.end = "finished"
    if processes.first:
        keep.finish(progress, module, lambda name: read_part(states, name))
    processes.broadcast(module)
    module.eval()
    return progress


def micro_batches(settings: LoopSettings, processes: Processes) -> tuple[int, int]:
    """Calls of the optimizer per step, and micro-batches of all processes per call."""
    wanted = processes.micro_batches(settings.gradient_accumulation)
    if OPTIMIZERS[settings.optimizer].accumulates:
        return wanted // processes.count, processes.count
    return 1, wanted


def _check(training: Training, processes: Processes) -> None:
    """Raise ConfigError where settings do not go together."""
    settings = training.settings
    calls, together = micro_batches(settings, processes)
    names = " and ".join(training.batch_terms)
    if names and calls > 1:
        raise ConfigError(
            f"{names} compares a whole batch, and {settings.optimizer} takes its micro-batches "
            "one by one; choose another --optimizer, or --gradient-accumulation 1"
        )
    if names and together > processes.count and not settings.cached_gradients:
        raise ConfigError(
            f"{names} compares a whole batch, so it cannot be cut into micro-batches; add "
            "--cached-gradients, which runs each of them forward twice, or use "
            "--gradient-accumulation 1 (and --gradient-checkpointing 1 to save memory)"
        )
    if training.learning_rate * settings.weight_decay >= 1:
        raise ConfigError(
            f"weight_decay {settings.weight_decay:g} times the learning rate "
            f"{training.learning_rate:g} must be below 1, or each step would overturn the "
            "weights; give a smaller --weight-decay or --lr"
        )
