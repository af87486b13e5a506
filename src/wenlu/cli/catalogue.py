"""wenlu tasks, wenlu models: lists of what is available."""

from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from wenlu.cli.flags import Switch
from wenlu.cli.output import people, print_json, say

_UNLABELLED = ("answers", "choices")
"""Kinds of tasks without a label set."""


def tasks(*, json: Switch = False) -> None:
    """List the tasks: data fields, number of labels, and the heads to choose from.

    Parameters
    ----------
    json
        Print one JSON document and nothing else.
    """
    from wenlu.tasks.registry import TASKS

    if json:
        print_json(
            [
                {
                    "name": task.name,
                    "summary": task.summary,
                    "kind": task.kind,
                    "fields": list(task.fields),
                    "heads": list(task.heads),
                    "labels": len(task.labels) or None,
                    "files": {
                        "train": task.train_files,
                        "dev": task.dev_files,
                        "test": task.test_files,
                    },
                    "max_length": task.max_length,
                    "submission": task.submission_file,
                }
                for task in TASKS.values()
            ]
        )
        return
    table = _table("Task", "What it is", "Fields", "Labels", "Heads")
    table.columns[-2].justify = "right"
    for task in TASKS.values():
        labels = "" if task.kind in _UNLABELLED else str(len(task.labels) or "from data")
        fields = "\n".join(task.fields)
        heads = "\n".join(task.heads) if len(task.heads) > 1 else ""
        table.add_row(task.name, Text(task.summary), fields, labels, heads)
    people.print(table)
    say("To train one: wenlu train TASK --data FOLDER --out RUN")


def models(*, json: Switch = False) -> None:
    """List the models that are included in the package.

    Wherever a command takes one of these names, it also takes a model folder (wenlu, Hugging Face
    or TensorFlow layout) or owner/name on the Hugging Face Hub.

    Parameters
    ----------
    json
        Print one JSON document and nothing else.
    """
    from wenlu.checkpoints.skeleton import WithoutWeights
    from wenlu.models import BUNDLED, load

    rows: list[dict[str, Any]] = []
    for bundled in BUNDLED.values():
        with WithoutWeights():  # they are counted
            model, tokenizer = load(bundled.name)
        rows.append(
            {
                "name": bundled.name,
                "summary": bundled.summary,
                "parameters": sum(p.numel() for p in model.parameters()),
                "vocabulary": len(tokenizer),
                "trained": bundled.trained,
                "licence": bundled.licence,
                "scores": bundled.scores(),
            }
        )
    if json:
        print_json(rows)
        return
    table = _table("Model", "What it is", "Parameters", "Vocabulary", "Licence")
    for column in table.columns[2:4]:
        column.justify = "right"
    for row in rows:
        table.add_row(
            row["name"],
            row["summary"],
            f"{row['parameters'] / 1e6:.1f} M",
            f"{row['vocabulary']:,}",
            row["licence"],
        )
    people.print(table)
    for row in rows:
        for name, score in row["scores"].items():
            say(f"{row['name']}: {name} {score}")
    say(
        "--model also takes a model folder (wenlu, Hugging Face or TensorFlow layout)\n"
        "or owner/name on the Hugging Face Hub."
    )


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for place, heading in enumerate(headings):
        table.add_column(heading, no_wrap=place == 0)
    return table
