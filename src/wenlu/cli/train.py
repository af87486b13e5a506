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
    """Train a model on labelled text, measure it, and leave a run folder with a report.

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
        Folder with the task's files, or one file, of which a tenth is then held out as dev.
    out
        The run folder to make.
    model
        A name from `wenlu models`, a folder (ours, Hugging Face's, Google's TF layout), or
        owner/name on the Hugging Face hub.
    seed
        Decides initial weights, data order and dropout; several train once each and aggregate.
        1 if nothing is said.
    max_length
        Tokens of an input at most; by default what the task says.
    pooling
        How the states of all tokens become one vector: first, pooler, mean, max or last.
    segments
        Whether the second text of a pair is marked as segment 1.
    head
        Which of the task's heads; `wenlu tasks` lists them. By default its first.
    schema
        File with the relations or events to look for; by default the one beside the data.
    limit
        Use only the first so many training examples; 0 for all.
    settings
        How to train.
    config
        A TOML file with these same settings, such as a run's config.toml; flags override it.
    resume
        Go on with the run at --out, which was stopped.
    overwrite
        Replace the run folder that stands at --out; any other folder is left alone.
    json
        Print the result as one JSON document and nothing else.
    """
    from wenlu.tasks.registry import task_named
    from wenlu.tasks.train import train as run
    from wenlu.training.processes import is_first

    del config  # its settings have come as flags
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
