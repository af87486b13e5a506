"""wenlu tasks, wenlu models: what there is."""

from rich.table import Table

from wenlu.cli.output import people, print_json


def tasks(*, json: bool = False) -> None:
    """List the tasks that can be trained, evaluated and handed in.

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
                    "fields": [*task.text_fields, "label"],
                    "labels": len(task.labels) or None,
                    "submission": task.submission_file,
                }
                for task in TASKS.values()
            ]
        )
        return
    table = Table("task", "what it is", "fields", "labels")
    for task in TASKS.values():
        fields = ", ".join([*task.text_fields, "label"])
        table.add_row(task.name, task.summary, fields, str(len(task.labels) or "from data"))
    people.print(table)


def models(*, json: bool = False) -> None:
    """List the models that come with the package.

    Any folder with a model works wherever one of these names does.

    Parameters
    ----------
    json
        Print one JSON document and nothing else.
    """
    from wenlu.models import BUNDLED, load

    rows = []
    for bundled in BUNDLED.values():
        model, tokenizer = load(bundled.name)
        rows.append(
            {
                "name": bundled.name,
                "summary": bundled.summary,
                "parameters": sum(p.numel() for p in model.parameters()),
                "vocabulary": len(tokenizer),
                "trained": bundled.trained,
                "licence": "Apache-2.0",
            }
        )
    if json:
        print_json(rows)
        return
    table = Table("model", "what it is", "parameters", "vocabulary", "licence")
    for row in rows:
        table.add_row(
            str(row["name"]),
            str(row["summary"]),
            f"{row['parameters']:,}",
            f"{row['vocabulary']:,}",
            str(row["licence"]),
        )
    people.print(table)
