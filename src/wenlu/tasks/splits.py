"""The training and dev set of a run: found, read, held out, described."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from wenlu.errors import ConfigError, DataError
from wenlu.tasks.config import RunConfig
from wenlu.tasks.examples import Example, find_split, hold_out, need_split, oddities, shared
from wenlu.tasks.registry import task_named
from wenlu.tasks.task import Encoded, Notes, Task

_HELD_OUT = 0.1


class Splits(NamedTuple):
    """A task with its label set, and its examples."""

    task: Task
    train: list[Example[Any]]
    dev: list[Example[Any]]
    files: dict[str, str]
    notes: dict[str, Notes]
    """What was odd in each set."""


def read_splits(config: RunConfig) -> Splits:
    """What the configuration names, read; a tenth is held out where there is no dev file."""
    task, data = configured_task(config), Path(config.data)
    dev_files: list[Path] = []
    if data.is_dir():
        train_files = need_split(data, task.train_files, "training")
        dev_files = find_split(data, task.dev_files)
    else:
        if not data.exists():
            raise DataError("there is no such file or folder", file=data)
        train_files = [data]
    notes = {"train": Notes(), "dev": Notes()}
    train_set = read_all(task, train_files, notes=notes["train"])
    task = task.adapt(train_set, train_files[0])
    files = {"train": _names(train_files), "dev": _names(dev_files) or "held out"}
    if dev_files:
        dev_set = read_all(task, dev_files, notes=notes["dev"])
    else:
        # The same rows whatever the run's seed, so that seeds can be compared.
        train_set, dev_set = hold_out(train_set, _HELD_OUT, seed=0)
        if not train_set:
            raise DataError(
                "all rows have the same text, so none can be held out", file=train_files[0]
            )
    if config.limit:
        train_set = train_set[: config.limit]
    return Splits(task, train_set, dev_set, files, notes)


def configured_task(config: RunConfig) -> Task:
    """The task that a configuration names, with the head and the schema that it names."""
    task = task_named(config.task)
    for name in ("head", "schema"):
        value, choose = getattr(config, name), getattr(task, f"with_{name}", None)
        if not value:
            continue
        if choose is None:
            raise ConfigError(f"{task.name} has no {name} to choose; leave out {name}")
        task = choose(value)
    return task


def read_all(
    task: Task, paths: Sequence[Path], *, labelled: bool = True, notes: Notes | None = None
) -> list[Example[Any]]:
    """The examples of all the files of a split."""
    return [e for path in paths for e in task.read(path, labelled=labelled, notes=notes)]


def _names(paths: Sequence[Path]) -> str:
    return " + ".join(path.name for path in paths)


def describe(
    task: Task,
    files: dict[str, str],
    notes: dict[str, Notes],
    train_set: Sequence[Example[Any]],
    dev_set: Sequence[Example[Any]],
    train_rows: Encoded,
    dev_rows: Encoded,
) -> dict[str, dict[str, Any]]:
    """What one should know of the two sets before trusting numbers on them, for `result.json`."""
    found: dict[str, dict[str, Any]] = {}
    for name, examples, rows in (
        ("train", train_set, train_rows),
        ("dev", dev_set, dev_rows),
    ):
        found[name] = {
            "file": files[name],
            "notes": dict(notes[name]),
            "rows": len(examples),
            "cut": rows.cut,
            "unknown_share": rows.unknown_share,
            "mean_tokens": float(rows.data.lengths.mean()),
            **asdict(oddities(examples)),
        }
    found["dev"]["also_in_train"] = shared(train_set, dev_set)
    found["train"]["labels_without_examples"] = task.unseen(train_set)
    return found


def summary(splits: dict[str, dict[str, Any]]) -> list[str]:
    """The same as lines for people."""
    lines = []
    for name, facts in splits.items():
        text = (
            f"{name}: {facts['rows']:,} examples from {facts['file']}, "
            f"{facts['unknown_share']:.2%} [UNK], {facts['cut']:,} cut to fit"
        )
        if facts["duplicates"]:
            text += f", {facts['duplicates']:,} repeated"
        if facts["conflicts"]:
            text += f", {facts['conflicts']:,} with two labels"
        if facts.get("also_in_train"):
            text += f", {facts['also_in_train']:,} also in train"
        lines.append(text)
        lines += [f"    {count:,} {what}" for what, count in facts["notes"].items()]
    missing = splits["train"]["labels_without_examples"]
    if missing:
        lines.append(
            f"warning: {len(missing)} of the labels have no training example "
            f"({', '.join(missing[:5])}): no model can learn them"
        )
    return lines
