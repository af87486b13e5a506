"""wenlu train."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from wenlu.cli.flags import Switch
from wenlu.cli.output import people, print_json, say
from wenlu.tasks.config import RunConfig
from wenlu.training.settings import TrainingSettings

_DEFAULTS = RunConfig(task="", data="", model="")


def train(
    task: str,
    *,
    data: Path,
    out: Path,
    model: str = "wenlu-mini",
    seed: Annotated[list[int] | None, Parameter(consume_multiple=True)] = None,
    max_length: int | None = None,
    pooling: str = _DEFAULTS.pooling,
    segments: bool = _DEFAULTS.segments,
    head: str = _DEFAULTS.head,
    schema: str = _DEFAULTS.schema,
    limit: int = _DEFAULTS.limit,
    settings: Annotated[TrainingSettings | None, Parameter(name="*")] = None,
    config: Path | None = None,
    resume: Switch = False,
    overwrite: Switch = False,
    json: Switch = False,
) -> None:
    """Train a model on labelled text, measure it, and write a run folder with a report.

    Examples:
        wenlu train tnews --data CLUE/tnews --model hfl/chinese-roberta-wwm-ext --out runs/tnews
        wenlu train classify --data my.csv --out runs/mine --epochs 10 --seed 1 2 3
        wenlu train match --data pairs/ --out runs/pairs
        wenlu train --config runs/tnews/config.toml --out runs/again

    Parameters
    ----------
    task
        A name from `wenlu tasks`.
    data
        A folder with the files of the task, or one file, of which one tenth is held
        out as dev set.
    out
        The run folder to create.
    model
        A name from `wenlu models`, a model folder (wenlu, Hugging Face or TensorFlow layout), or
        owner/name on the Hugging Face Hub.
    seed
        Random seed of initial weights, data order and dropout. Several seeds: train once per seed
        and report mean and standard deviation. Default: 1.
    max_length
        Maximum tokens of an input. Default: set by the task.
    pooling
        How token states become one vector: first, pooler, mean, max or last.
    segments
        Mark the second text of a pair as segment 1.
    head
        Head of the task; `wenlu tasks` lists them. Default: the first.
    schema
        Schema file of relations or events. Default: the one beside the data.
    limit
        Use only the first N training examples; 0 for all.
    settings
        Training settings.
    config
        A TOML file with these settings, such as the config.toml of a run; flags override it.
    resume
        Resume the run at --out that was stopped.
    overwrite
        Replace the run folder at --out. Other folders are never replaced.
    json
        Print one JSON document and nothing else.
    """
    from wenlu.tasks.registry import task_named
    from wenlu.tasks.train import train as run
    from wenlu.training.processes import is_first

    del config  # already read: its settings arrive as the other arguments
    seeds = seed or [_DEFAULTS.seed]
    result = run(
        RunConfig(
            task=task,
            data=str(data),
            model=model,
            max_length=task_named(task).max_length if max_length is None else max_length,
            pooling=pooling,
            segments=segments,
            head=head,
            schema=schema,
            limit=limit,
            seed=seeds[0],
            training=settings or TrainingSettings(),
        ),
        out,
        seeds=seeds,
        resume=resume,
        overwrite=overwrite,
        say=None if json else say,
    )
    if not is_first():
        return
    if json:
        print_json(result)
        return
    show_result(result)
    say(f"run     {out}\nreport  {out / 'report.html'}")


def show_result(result: dict[str, Any]) -> None:
    """The table of a finished run."""
    from wenlu.evaluation import result_table

    people.print(result_table(result))
