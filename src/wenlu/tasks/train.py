"""From labelled text to a trained, measured model: what `wenlu train` does."""

import hashlib
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from wenlu.atomic import atomic_write
from wenlu.errors import ConfigError, RunError
from wenlu.evaluation import mean_and_deviation
from wenlu.evaluation.report import write_report
from wenlu.models import BUNDLED, Classifier, load, save
from wenlu.nn import enable_gradient_checkpointing
from wenlu.tasks.config import RunConfig
from wenlu.tasks.evaluator import Evaluator, with_intervals, write_predictions
from wenlu.tasks.examples import Example
from wenlu.tasks.result import write_result
from wenlu.tasks.run_folder import check_folder, finished_result
from wenlu.tasks.splits import describe, read_splits, summary
from wenlu.tasks.task import Encoded, Task
from wenlu.text import Tokenizer
from wenlu.training import Processes, TrainingSettings, fit, join_processes
from wenlu.training.allocator import return_freed_memory
from wenlu.training.facts import run_facts
from wenlu.training.fine_tuning import default_epochs, fine_tuning
from wenlu.training.loop import micro_batches
from wenlu.training.precision import resolve_precision
from wenlu.training.progress_bar import ProgressBar, notice
from wenlu.training.run_folder import (
    FREE,
    course,
    from_outside,
    locked,
    make_room,
    other_settings,
)
from wenlu.training.state import DamagedError, Progress, check_outside, remove, saved_progress

Say = Callable[[str], None]


def train(
    config: RunConfig,
    out: str | os.PathLike[str],
    *,
    seeds: Sequence[int] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    say: Say | None = None,
    command: str | None = None,
    again: str = "give the same command with --resume",
) -> dict[str, Any]:
    """Train and measure a model, and leave a run folder.

    Args:
        config: what to train on what, and how.
        out: the run folder. It must not exist, unless `resume` or `overwrite` is given.
        seeds: train once with each and aggregate; one run with the configuration's by default.
        resume: resume an earlier call with the same configuration that was stopped.
        overwrite: remove what stands at `out` first, if it is a run folder.
        say: called with lines for people to read.
        command: what made the run, for the report.
        again: how to resume it after a stop, for the line that says so.

    Returns:
        What `result.json` holds.

    Raises:
        WenluError: bad data, settings, model or folder.
    """
    out = Path(out)
    command = command or shlex.join(["wenlu", *sys.argv[1:]])
    seeds = list(seeds or [config.seed])
    if len(set(seeds)) < len(seeds):
        raise ConfigError(f"seeds must differ; got {' '.join(map(str, seeds))}")
    several = len(seeds) > 1
    started = resume
    if config.training.gradient_checkpointing:
        return_freed_memory()
    with join_processes() as processes, ExitStack() as stack:
        micro_batches(config.training, processes)  # an error now is better than one later
        tell = say if say is not None and processes.first else lambda _: None
        processes.by_first(lambda: stack.enter_context(locked(out)))
        check = partial(
            check_folder, out, several=several, resume=resume, overwrite=overwrite, say=tell
        )
        processes.by_first(check)
        if overwrite and not resume:
            check_outside((config.data, config.model, config.schema), out)
        try:
            results: list[dict[str, Any]] = []
            for seed in seeds:
                if several:
                    tell(f"seed {seed}")
                job = _prepare(replace(config, seed=seed), processes, tell)
                if not results:
                    processes.by_first(partial(make_room, out, resume=resume))
                started = True
                folder = out / f"seed-{seed}" if several else out
                results.append(_train_once(job, folder, processes, tell, command))
            result = _aggregate(results, seeds) if several else results[0]
            if processes.first and several:
                write_result(out, result)
                write_report(out)
        except BaseException as error:
            if processes.first and started and from_outside(error):
                for folder in out.glob("seed-*"):
                    with suppress(OSError):  # it is not empty
                        folder.rmdir()
                if any(out.iterdir()):
                    notice(f"stopped; to resume {out}, {again}")
            raise
        return result


class _Job(NamedTuple):
    """All that a training needs, in memory."""

    config: RunConfig
    task: Task
    train: Encoded
    dev: Encoded
    dev_examples: list[Example[Any]]
    module: nn.Module
    tokenizer: Tokenizer
    splits: dict[str, dict[str, Any]]
    learning_rate: float
    fingerprint: str
    seconds: float
    """Spent so far."""


def _prepare(config: RunConfig, processes: Processes, say: Say) -> _Job:
    """Read, encode and build; nothing is written."""
    began = time.perf_counter()
    settings = config.training
    task, train_set, dev_set, files, notes = read_splits(config)
    torch.manual_seed(config.seed)
    model, tokenizer = load(config.model)
    rate = settings.lr or default_learning_rate(config.model, model.config.width)
    longest = model.config.max_length
    if config.max_length > longest:
        raise ConfigError(
            f"max_length {config.max_length} is more than the {longest} positions of the model "
            f"{config.model}; give at most that"
        )
    encode = partial(
        task.encode,
        tokenizer=tokenizer,
        max_length=config.max_length,
        segments=config.segments,
    )
    train_rows = encode(train_set, training=True, notes=notes["train"])
    dev_rows = encode(dev_set, notes=notes["dev"])
    epochs = settings.epochs or default_epochs(train_rows.data, settings)
    config = replace(config, training=replace(settings, lr=rate, epochs=epochs))
    module = task.build(model, pooling=config.pooling)
    if settings.gradient_checkpointing:
        enable_gradient_checkpointing(model.encoder, every=settings.gradient_checkpointing)
    splits = describe(task, files, notes, train_set, dev_set, train_rows, dev_rows)
    for line in summary(splits):
        say(line)
    return _Job(
        config=config,
        task=task,
        train=train_rows,
        dev=dev_rows,
        dev_examples=dev_set,
        module=module,
        tokenizer=tokenizer,
        splits=splits,
        learning_rate=rate,
        fingerprint=_fingerprint(module, train_rows, dev_rows, config, processes),
        seconds=time.perf_counter() - began,
    )


def _train_once(
    job: _Job, out: Path, processes: Processes, say: Say, command: str
) -> dict[str, Any]:
    config, task, module, settings = job.config, job.task, job.module, job.config.training
    done = processes.agree(finished_result(out) if processes.first else None)
    if done is not None:
        if done["fingerprint"] != job.fingerprint:
            raise _other_run(out, config)
        say(f"{out} is finished")
        return done
    if processes.first:
        out.mkdir(exist_ok=True)
    try:
        saved = saved_progress(out / "checkpoint", job.fingerprint)
    except DamagedError:
        raise
    except RunError:
        raise _other_run(out, config) from None
    if saved is not None:
        say(f"resuming after step {saved.step:,}")
    processes.wait()  # until all have compared: now it may be written
    if processes.first:
        with atomic_write(out / "config.toml") as file:
            file.write(config.toml())
    evaluator = Evaluator(task, job.dev_examples, job.dev, settings)
    with ProgressBar(enabled=processes.first) as bar:
        training = fine_tuning(
            module,
            job.train.data,
            evaluator,
            settings,
            learning_rate=job.learning_rate,
            seed=config.seed,
            score=task.main_metric,
            processes=processes,
        )
        progress = fit(
            training, folder=out, fingerprint=job.fingerprint, processes=processes, bar=bar
        )
    result: dict[str, Any] = {}
    if processes.first:
        began = time.perf_counter()
        latest = progress.best_epoch == progress.epoch
        found = evaluator.last if latest else None  # of the very weights that are kept
        measured = found or evaluator.measure(module)
        write_predictions(out / "dev.predictions.jsonl", task, job.dev_examples, measured)
        _write_model(out / "model", task, config, module, job.tokenizer)
        scores = with_intervals(measured.scores)
        scores |= {} if measured.loss is None else {"loss": measured.loss}
        result = {
            "task": task.name,
            "model": config.model,
            "kind": task.kind,
            "main_metric": task.main_metric,
            "labels": [{"label": k, "name": task.names.get(k, k)} for k in task.labels],
            "scores": scores,
            "counted": {"formula": measured.scores[task.main_metric].formula},
            "splits": job.splits,
            "seed": config.seed,
            **_facts(progress, module, processes, settings),
            "total_seconds": job.seconds + progress.seconds + time.perf_counter() - began,
            "command": command,
            "fingerprint": job.fingerprint,
        }
        write_result(out, result)
        write_report(out)
        remove(out / "checkpoint")
    return processes.agree(result)


def _other_run(out: Path, config: RunConfig) -> RunError:
    """What to say where `out` was started with another configuration."""
    file, now = out / "config.toml", config.flat()
    return other_settings(
        out, RunConfig.from_toml(file).flat() if file.exists() else now, now, FREE
    )


def default_learning_rate(model: str, width: int) -> float:
    """What is used if the user says nothing: larger for narrow models and random weights."""
    if model in BUNDLED:
        return BUNDLED[model].learning_rate
    return 1e-4 if width < 512 else 3e-5


def _fingerprint(
    module: nn.Module,
    train_rows: Encoded,
    dev_rows: Encoded,
    config: RunConfig,
    processes: Processes,
) -> str:
    """Of all that the course of a training depends on."""
    described = repr(
        (course(config.training, processes), config.seed, module.config, config.pooling)
    )
    digest = hashlib.blake2b(described.encode(), digest_size=16)
    for rows in (train_rows, dev_rows):
        digest.update(rows.data.fingerprint())
    for name, tensor in module.state_dict().items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.detach().numpy()).data)
    return digest.hexdigest()


def _facts(
    progress: Progress, module: nn.Module, processes: Processes, settings: TrainingSettings
) -> dict[str, Any]:
    return {
        "best_epoch": progress.best_epoch,
        "epochs": progress.epoch,
        "steps": progress.step,
        "stopped": progress.end,
        "seconds": progress.seconds,
        "examples_per_second": progress.seen / max(progress.training_seconds, 1e-9),
        **run_facts(module, processes, resolve_precision(settings.precision, processes.device)),
    }


def _write_model(
    folder: Path, task: Task, config: RunConfig, module: nn.Module, tokenizer: Tokenizer
) -> None:
    if folder.exists():  # a run that was killed after this point
        shutil.rmtree(folder)
    extra = {
        "task": task.name,
        **task.saved(),
        "max_length": config.max_length,
        "segments": config.segments,
    }
    unique = None
    if isinstance(module, Classifier):
        names = [task.names.get(label, label) for label in task.labels]
        unique = names if len(set(names)) == len(names) else list(task.labels)
    save(folder, module, tokenizer, labels=unique, extra=extra)


def _aggregate(results: list[dict[str, Any]], seeds: Sequence[int]) -> dict[str, Any]:
    scores: dict[str, float] = {}
    for name in results[0]["scores"]:
        mean, deviation = mean_and_deviation([r["scores"][name] for r in results])
        scores[name] = mean
        if deviation is not None:
            scores[f"{name}_sd"] = deviation
    main = results[0]["main_metric"]
    best = max(results, key=lambda r: r["scores"][main])
    return {
        **best,
        "scores": scores,
        "seconds": sum(r["seconds"] for r in results),
        "examples_per_second": float(np.mean([r["examples_per_second"] for r in results])),
        "runs": [
            {
                "seed": seed,
                "folder": f"seed-{seed}",
                **{key: r[key] for key in ("scores", "seconds", "examples_per_second")},
            }
            for seed, r in zip(seeds, results, strict=True)
        ],
        "best_run": f"seed-{best['seed']}",
    }
