"""wenlu clue."""

import textwrap
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich import box
from rich.table import Table
from rich.text import Text

from wenlu.cli.flags import Switch
from wenlu.cli.output import people, print_json, say
from wenlu.training.settings import TrainingSettings


def clue(
    *,
    data: Path,
    out: Path,
    model: str = "wenlu-mini",
    task: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None,
    seed: Annotated[list[int] | None, Parameter(consume_multiple=True)] = None,
    max_length: int | None = None,
    limit: int = 0,
    settings: Annotated[TrainingSettings | None, Parameter(name="*")] = None,
    config: Path | None = None,
    json: Switch = False,
) -> None:
    """Train, measure and hand in all eleven tasks of CLUE: one table, one archive.

    All files are read before the first task is trained. The same command goes on where it was
    stopped, and leaves alone what is finished. WSC is trained three times as many epochs as the
    others, ChID half as many.

    Examples:
        wenlu clue --data CLUE --model hfl/chinese-roberta-wwm-ext --out runs/clue
        wenlu clue --data CLUE --model wenlu-mini --out runs/some --task tnews ocnli --epochs 3
        wenlu clue --data CLUE --model wenlu-mini --out runs/seeds --seed 1 2 3

    Parameters
    ----------
    data
        Folder that holds a folder for each task, as CLUE hands them out.
    out
        Folder for the runs, the upload files and the archive.
    model
        A name from `wenlu models`, a folder (ours, Hugging Face's, Google's TF layout), or
        owner/name on the Hugging Face hub.
    task
        Only these of the eleven.
    seed
        Train each task once with each of these. 1 if nothing is said.
    max_length
        Tokens of an input at most; by default what each task says.
    limit
        Use only the first so many training examples of each task; 0 for all.
    settings
        How to train.
    config
        A TOML file with these same settings; flags override it.
    json
        Print the result as one JSON document and nothing else.
    """
    from wenlu.tasks.clue.benchmark import ClueConfig, run_clue
    from wenlu.tasks.clue.published import TASKS

    del config  # its settings have come as flags
    given = ClueConfig(
        data=str(data),
        model=model,
        tasks=tuple(task or TASKS),
        seeds=tuple(seed or (1,)),
        max_length=max_length,
        limit=limit,
        training=settings or TrainingSettings(),
    )
    result = run_clue(given, out, say=None if json else say)
    if json:
        print_json(result)
        return
    people.print(_table(result))
    if result["archive"] is not None:
        say(f"archive {result['archive']}")
    if result["missing"]:
        say("a full submission lacks " + ", ".join(result["missing"]))


def _table(result: dict[str, Any]) -> Table:
    """Ours beside what others have published, in percent; whole where there are 80 columns."""
    from wenlu.tasks.clue.published import PUBLISHED, TASKS
    from wenlu.tasks.registry import task_named

    others = [each for each in PUBLISHED if each.split == "dev"]
    table = Table(
        title=Text(f"CLUE, dev sets, % · {result['model']}"),
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=0,
    )
    table.add_column("Task")
    table.add_column("Ours", justify="right", style="bold")
    table.add_column("95 %", justify="right", style="dim")
    for each in others:
        table.add_column("\n".join(textwrap.wrap(each.model, _HEADING)), justify="right")
    for name in TASKS:
        ours = result["tasks"].get(name, {"skipped": ""})
        scores, metric = ours.get("scores", {}), ours.get("main_metric", "")
        table.add_row(
            name,
            _percent(scores.get(metric)),
            _interval(scores, metric),
            *(Text(_percent(each.scores.get(name), scale=1)) for each in others),
        )
    mean = _mean(result)
    if mean is not None:
        table.add_section()
        table.add_row(
            "mean of 11",
            _percent(mean),
            "",
            *(
                _percent(sum(each.scores.values()) / len(TASKS), scale=1)
                if len(each.scores) == len(TASKS)
                else "–"
                for each in others
            ),
        )
    metrics = {name: task_named(name).main_metric.replace("_", " ") for name in TASKS}
    special = [f"{name}: {metric}" for name, metric in metrics.items() if metric != "accuracy"]
    table.caption = (
        f"accuracy; {', '.join(special)}\n"
        "others: as published; CMRC2018 stricter than EM, CLUENER micro-F1"
    )
    return table


_HEADING = 8
"""Characters of a line of a model's name above the table."""


def _mean(result: dict[str, Any]) -> float | None:
    """Over all eleven tasks; of fewer there is none, because it could not be compared."""
    from wenlu.tasks.clue.published import TASKS

    found = [result["tasks"].get(name, {}) for name in TASKS]
    if not all("scores" in each for each in found):
        return None
    return float(sum(each["scores"][each["main_metric"]] for each in found)) / len(TASKS)


def _percent(value: float | None, *, scale: float = 100) -> str:
    return "–" if value is None else f"{scale * value:.2f}"


def _interval(scores: dict[str, float], metric: str) -> str:
    low, high = scores.get(f"{metric}_low"), scores.get(f"{metric}_high")
    return "" if low is None or high is None else f"{100 * low:.1f}–{100 * high:.1f}"
