"""The training and dev set of a run: found, read, held out, described."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from wenlu.errors import DataError
from wenlu.tasks.classification import Classification, Encoded
from wenlu.tasks.config import RunConfig
from wenlu.tasks.examples import Example, find_split, hold_out, need_split, oddities, shared
from wenlu.tasks.registry import task_named

_HELD_OUT = 0.1


class Splits(NamedTuple):
    """A task with its label set, and its examples."""

    task: Classification
    train: list[Example]
    dev: list[Example]
    files: dict[str, str]


def read_splits(config: RunConfig) -> Splits:
    """What the configuration names, read; a tenth is held out where there is no dev file."""
    task, data = task_named(config.task), Path(config.data)
    if data.is_dir():
        train_file = need_split(data, task.train_files, "training")
        dev_file = find_split(data, task.dev_files)
    else:
        if not data.exists():
            raise DataError("there is no such file or folder", file=data)
        train_file, dev_file = data, None
    train_set = task.read(train_file)
    task = task.with_labels_of(train_set, train_file).with_names_of(train_file)
    files = {"train": train_file.name, "dev": dev_file.name if dev_file else "held out"}
    if dev_file is not None:
        dev_set = task.read(dev_file)
    else:
        # The same rows whatever the run's seed, so that seeds can be compared.
        train_set, dev_set = hold_out(train_set, _HELD_OUT, seed=0)
        if not train_set:
            raise DataError("all rows have the same text, so none can be held out", file=train_file)
    if config.limit:
        train_set = train_set[: config.limit]
    return Splits(task, train_set, dev_set, files)


def describe(
    task: Classification,
    files: dict[str, str],
    train_set: list[Example],
    dev_set: list[Example],
    train_rows: Encoded,
    dev_rows: Encoded,
) -> dict[str, dict[str, Any]]:
    """What one should know of the two sets before trusting numbers on them, for `result.json`."""
    found = {}
    for name, examples, rows in (
        ("train", train_set, train_rows),
        ("dev", dev_set, dev_rows),
    ):
        found[name] = {
            "file": files[name],
            "rows": len(examples),
            "cut": rows.cut,
            "unknown_share": rows.unknown_share,
            "mean_tokens": float(rows.data.lengths.mean()),
            **asdict(oddities(examples)),
        }
    found["dev"]["also_in_train"] = shared(train_set, dev_set)
    seen = {e.label for e in train_set}
    found["train"]["labels_without_examples"] = [k for k in task.labels if k not in seen]
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
    missing = splits["train"]["labels_without_examples"]
    if missing:
        lines.append(
            f"warning: {len(missing)} of the labels have no training example "
            f"({', '.join(missing[:5])}): no model can learn them"
        )
    return lines
