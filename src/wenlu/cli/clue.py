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
    """Train and measure all eleven tasks of CLUE, and write the submission archive.

    All data files are checked before the first training. The same command resumes where it was
    stopped and skips finished tasks. WSC is trained for three times as many epochs as the other
    tasks, ChID for half as many.

    Examples:
        wenlu clue --data CLUE --model hfl/chinese-roberta-wwm-ext --out runs/clue
        wenlu clue --data CLUE --model wenlu-mini --out runs/some --task tnews ocnli --epochs 3
        wenlu clue --data CLUE --model wenlu-mini --out runs/seeds --seed 1 2 3

    Parameters
    ----------
    data
        A folder with one folder per task, as CLUE distributes them.
    out
        Folder for the runs, the submission files and the archive.
    model
        A name from `wenlu models`, a model folder (wenlu, Hugging Face or TensorFlow layout), or
        owner/name on the Hugging Face Hub.
    task
        Train only these tasks. Default: all eleven.
    seed
        Random seeds; each task is trained once per seed. Default: 1.
    max_length
        Maximum tokens of an input. Default: set by each task.
    limit
        Use only the first N training examples of each task; 0 for all.
    settings
        Training settings.
    config
        A TOML file with these settings; flags override it.
    json
        Print one JSON document and nothing else.
    """
    from wenlu.tasks.clue.benchmark import ClueConfig, run_clue
    from wenlu.tasks.clue.published import TASKS

    del config  # already read: its settings arrive as the other arguments
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
        say("missing for a full submission: " + ", ".join(result["missing"]))


def _table(result: dict[str, Any]) -> Table:
    """Our scores beside published ones, in percent; fits into 80 columns."""
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
"""Characters per line of a model name in the table head."""


def _mean(result: dict[str, Any]) -> float | None:
    """The mean of all eleven tasks; None for fewer, as it could not be compared."""
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
