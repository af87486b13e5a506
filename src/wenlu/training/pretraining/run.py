"""From raw text to a pretrained model: what `wenlu pretrain` does."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from torch import nn

from wenlu.atomic import atomic_folder, atomic_write
from wenlu.corpus import TokenCorpus, vocabulary_fingerprint, write_tokens
from wenlu.corpus.documents import DOCUMENTS, ROWS, check_documents
from wenlu.errors import ConfigError, RunError
from wenlu.models import Model, save
from wenlu.nn.gradient_checkpointing import enable_gradient_checkpointing
from wenlu.text import Tokenizer
from wenlu.training.allocator import return_freed_memory
from wenlu.training.facts import run_facts
from wenlu.training.loop import fit, micro_batches
from wenlu.training.precision import resolve_precision
from wenlu.training.pretraining.config import PretrainingConfig
from wenlu.training.pretraining.data import PretrainingData
from wenlu.training.pretraining.evaluate import Scores, evaluate
from wenlu.training.pretraining.groups import GroupedData
from wenlu.training.pretraining.module import Pretraining
from wenlu.training.pretraining.objectives import make_objectives, takes_groups
from wenlu.training.pretraining.shape import (
    check_shape,
    check_vocabulary,
    first_model,
    open_tokenizer,
)
from wenlu.training.pretraining.statistics import describe_rows
from wenlu.training.pretraining.training import pretraining
from wenlu.training.processes import Processes, join_processes
from wenlu.training.progress_bar import ProgressBar, notice
from wenlu.training.run_folder import (
    FREE,
    check_free,
    course,
    from_outside,
    locked,
    make_room,
    other_settings,
)
from wenlu.training.state import check_outside, newest_step, remove, saved_progress
from wenlu.training.toml import flat

Say = Callable[[str], None]

_EXTENDED = ("steps", "decay")
"""Settings that may change when a run with the schedule "stable" is resumed."""


def pretrain(
    config: PretrainingConfig,
    out: str | os.PathLike[str],
    *,
    resume: bool = False,
    overwrite: bool = False,
    say: Say | None = None,
) -> dict[str, Any]:
    """Pretrain a model, and leave a run folder with it.

    The run folder holds `config.toml`, `metrics.jsonl`, `result.json`, `model/` (loads anywhere),
    the corpus as tokens, and, with the schedule "stable", the state before the learning rate fell,
    from which training can continue: the same call with more steps and `resume`.

    Args:
        config: what to train on what, and how.
        out: the run folder. It must not exist, unless `resume` or `overwrite` is given.
        resume: resume an earlier call with the same configuration that was stopped, or, with more
            steps, one that has ended, from before its end.
        overwrite: remove what stands at `out` first, if it is a run folder.
        say: called with lines for people to read.

    Returns:
        What `result.json` holds.

    Raises:
        WenluError: bad text, settings, vocabulary or folder.
    """
    out = Path(out)
    settings = config.training
    if settings.gradient_checkpointing:
        return_freed_memory()
    with join_processes() as processes, ExitStack() as stack:
        processes.wait()  # else one that leaves with an error takes others still coming with it
        micro_batches(settings, processes)  # an error now is better than one later
        tell = say if say is not None and processes.first else lambda _: None
        tokenizer = open_tokenizer(config)
        check_vocabulary(tokenizer, config.objective)
        objectives = make_objectives(config.objective, tokenizer, config.masking, config.similarity)
        heads = {head for one in objectives for head in one.heads}
        model = first_model(config, tokenizer, heads)
        check_shape(config, model.config, objectives)
        processes.by_first(lambda: stack.enter_context(locked(out)))
        removes = overwrite and not resume
        for files, name in ((config.corpus, "tokens"), (config.heldout, "heldout")):
            if removes or not (out / name).exists():
                _check_text(files, tokenizer, takes_groups(objectives))

        processes.by_first(
            partial(_make_room, config, out, resume=resume, overwrite=overwrite, say=tell)
        )
        try:
            return _pretrain(config, out, model, tokenizer, objectives, processes, tell)
        except BaseException as error:
            if processes.first and from_outside(error) and _is_run(out):
                notice(f"stopped; to resume {out}, give the same command with --resume")
            raise


def _pretrain(
    config: PretrainingConfig,
    out: Path,
    model: Model,
    tokenizer: Tokenizer,
    objectives: Sequence[Any],
    processes: Processes,
    say: Say,
) -> dict[str, Any]:
    settings = config.training
    with ProgressBar(enabled=processes.first) as bar:
        groups = takes_groups(objectives)
        corpus = _tokens(config.corpus, out / "tokens", tokenizer, processes, bar, groups)
        heldout = None
        if config.heldout:
            heldout = _tokens(config.heldout, out / "heldout", tokenizer, processes, bar, groups)
        data = _data(config, corpus, tokenizer, objectives)
        count = processes.micro_batches(settings.gradient_accumulation)
        for line in describe_rows(data, settings, count):
            say(line)
        module = Pretraining(model, objectives)
        parameters = sum(p.numel() for p in model.parameters())
        say(f"{parameters:,} parameters, {model.config.layers} layers of {model.config.width}")
        fingerprint = _fingerprint(module, corpus, config, processes)
        saved = saved_progress(out / "checkpoint", fingerprint)
        if saved is not None:
            say(f"resuming after step {saved.step:,}")
        if processes.first:
            with atomic_write(out / "config.toml") as file:
                file.write(config.toml())
        measure = None
        if heldout is not None:
            measured = _data(config, heldout, tokenizer, objectives)

            def measure(module: nn.Module) -> dict[str, float]:
                return _brief(
                    evaluate(cast(Pretraining, module), measured, precision=settings.precision)
                )

        if settings.gradient_checkpointing:
            enable_gradient_checkpointing(model.encoder, every=settings.gradient_checkpointing)
        training = pretraining(module, data, measure, settings, processes=processes)
        progress = fit(training, folder=out, fingerprint=fingerprint, processes=processes, bar=bar)
        result: dict[str, Any] = {}
        if processes.first:
            bar.note("measuring on the held-out text")
            scores: Scores = {}
            if heldout is not None:
                scores = evaluate(module, measured, precision=settings.precision)
            result = {
                "objectives": [one.name for one in objectives],
                "scores": scores,
                "tokens": progress.seen,
                "epochs": data.epochs(progress.epoch, progress.batch),
                "steps": progress.step,
                "seed": config.seed,
                "tokens_per_second": progress.seen / max(progress.training_seconds, 1e-9),
                "seconds": progress.seconds,
                **run_facts(
                    model, processes, resolve_precision(settings.precision, processes.device)
                ),
                "fingerprint": fingerprint,
            }
            _write_model(out / "model", model, tokenizer)
            with atomic_write(out / "result.json") as file:
                file.write(json.dumps(result, ensure_ascii=False, indent=2) + "\n")
            remove(out / "checkpoint")
        return processes.agree(result)


def _data(
    config: PretrainingConfig, corpus: TokenCorpus, tokenizer: Tokenizer, objectives: Sequence[Any]
) -> PretrainingData:
    kind = GroupedData if takes_groups(objectives) else PretrainingData
    return kind(
        corpus,
        tokenizer,
        objectives,
        max_length=config.training.max_length,
        batch_tokens=config.training.batch_tokens,
        seed=config.seed,
    )


def _tokens(
    files: Sequence[str],
    folder: Path,
    tokenizer: Tokenizer,
    processes: Processes,
    bar: ProgressBar,
    groups: bool,
) -> TokenCorpus:
    """The tokens of those files (of groups of sentences, or of text), made if not there yet."""
    folder = _ready_made(files) or folder

    def make() -> None:
        if folder.exists():
            return
        bar.start("cutting text into tokens", total=1)
        done = 0

        def show(read: int, size: int) -> None:
            nonlocal done
            bar.total(size)
            bar.advance("cutting text into tokens", 0.0, by=read - done, unit="")
            done = read

        paths = [Path(file) for file in files]
        write_tokens(paths, tokenizer, folder, groups=groups, progress=show)
        bar.stop()

    processes.by_first(make)
    return _open_tokens(folder, tokenizer, groups)


def _ready_made(files: Sequence[str]) -> Path | None:
    """The folder of tokens, if that is what was given instead of files."""
    if len(files) == 1 and (Path(files[0]) / "corpus.json").exists():
        return Path(files[0])
    return None


def _open_tokens(folder: Path, tokenizer: Tokenizer, groups: bool) -> TokenCorpus:
    corpus = TokenCorpus(folder)
    if corpus.vocabulary_fingerprint != vocabulary_fingerprint(tokenizer):
        raise RunError(
            f"{folder} was made with another vocabulary; give the one that it was made with, or "
            "text files"
        )
    if corpus.groups != groups:
        kinds = ("groups of similar sentences", "text")
        has, wanted = kinds if corpus.groups else kinds[::-1]
        raise RunError(f"{folder} was made of {has}, and the objective learns from {wanted}")
    return corpus


def _check_text(files: Sequence[str], tokenizer: Tokenizer, groups: bool) -> None:
    """Find out now what can be found out about a corpus without reading all of it."""
    ready = _ready_made(files)
    if ready is not None:
        _open_tokens(ready, tokenizer, groups)
    elif files:
        check_documents(files, ROWS if groups else DOCUMENTS)


def _is_run(out: Path) -> bool:
    """Whether that is the folder of a pretraining."""
    if not (out / "config.toml").exists():
        if (out / "tokens" / "corpus.json").exists():
            return True
        there = list(out.iterdir()) if out.is_dir() else []
        return bool(there) and all(map(_is_left, there))
    try:
        PretrainingConfig.from_toml(out / "config.toml")
    except ConfigError:  # another program's, or another command's
        return False
    return True


def _is_left(path: Path) -> bool:
    """Whether a process that was killed before a pretraining started may have left it."""
    return path.name.startswith((".tokens.", ".config.toml.")) and path.suffix == ".tmp"


def _make_room(
    config: PretrainingConfig, out: Path, *, resume: bool, overwrite: bool, say: Say
) -> None:
    """Make sure that `out` may be written to, and take its run to where it resumes."""
    there = check_free(out, is_run=_is_run(out), resume=resume, overwrite=overwrite, say=say)
    if there and not resume:
        inputs = (*config.corpus, *config.heldout, config.config, config.vocab, config.model)
        check_outside(inputs, out)
    make_room(out, resume=resume)
    if (out / "config.toml").exists():
        _go_back(config, PretrainingConfig.from_toml(out / "config.toml"), out)
        return
    for files, name in ((config.corpus, "tokens"), (config.heldout, "heldout")):
        if (out / name).exists() and _ready_made(files) is None:
            size = sum(Path(file).stat().st_size for file in files)
            if TokenCorpus(out / name).statistics.bytes != size:
                remove(out / name)  # of other files: nothing says which


def _go_back(config: PretrainingConfig, old: PretrainingConfig, out: Path) -> None:
    """Check that the run can be resumed, and if it was to end earlier, undo its end."""
    before, now = flat(old), flat(config)
    then, settings = old.training, config.training
    free: tuple[str, ...] = (*FREE, "evaluate_steps")
    if then.schedule == "stable":
        free += _EXTENDED
        if then.warmup_steps(then.steps) != settings.warmup_steps(settings.steps):
            before = {**before, "warmup_steps": then.warmup_steps(then.steps)}
            now = {**now, "warmup_steps": settings.warmup_steps(settings.steps)}
    if any(now[name] != before[name] for name in now if name not in free):
        raise other_settings(out, before, now, free)
    finished = (out / "result.json").exists()
    same = (settings.steps, settings.decay) == (then.steps, then.decay)
    if same and finished:
        remove(out / "checkpoint")  # a kill right after the result was written may leave it
        raise RunError(
            f"{out} is finished; give more --steps to train on, or --overwrite to replace it"
        )
    start = settings.decay_start(settings.steps)
    reached, kept = newest_step(out / "checkpoint"), newest_step(out / "stable")
    least = min(then.decay_start(then.steps), start)
    if reached is not None and not finished and (same or reached <= least):
        return
    if reached is kept is None and not finished:
        return  # it had only just started
    if kept is None or kept > start:
        raise RunError(
            f"{out} has no state of step {start:,} or before to resume from; give more --steps, or "
            "another --out"
        )
    again = out / "again"
    if again.exists():  # a process was killed while it did this
        shutil.rmtree(again)
    with atomic_folder(again) as copy:
        shutil.copytree(out / "stable", copy, dirs_exist_ok=True)
    remove(out / "checkpoint")
    again.rename(out / "checkpoint")
    (out / "result.json").unlink(missing_ok=True)


def _write_model(folder: Path, model: Model, tokenizer: Tokenizer) -> None:
    """Replace the model of an earlier end of the same run."""
    if folder.exists():
        shutil.rmtree(folder)
    save(folder, model, tokenizer)


def _brief(scores: Scores) -> dict[str, float]:
    """What goes into the log while training lasts."""
    return {
        f"{name}_{what}": by["all"][what]
        for name, by in scores.items()
        if "all" in by  # there was something to predict
        for what in ("loss", "accuracy")
    }


def _fingerprint(
    module: Pretraining, corpus: TokenCorpus, config: PretrainingConfig, processes: Processes
) -> str:
    """Of all that the course of a training depends on, up to where the learning rate falls."""
    settings = replace(config.training, evaluate_steps=1)
    if settings.schedule == "stable":
        settings = replace(settings, steps=1, decay=1.0)
    described = repr((course(settings, processes), config.seed, config.masking, config.objective))
    if "simbert" in config.objective:
        described += repr(config.similarity)
    digest = hashlib.blake2b(described.encode(), digest_size=16)
    digest.update(repr((module.model.config, corpus.fingerprint)).encode())
    for name, tensor in module.state_dict().items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.detach().numpy()).data)
    return digest.hexdigest()
