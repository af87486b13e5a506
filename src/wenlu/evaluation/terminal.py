"""The result of a run as a table for the terminal."""

from rich import box
from rich.table import Table
from rich.text import Text

from wenlu.evaluation.numerals import (
    DASH,
    METRICS,
    duration,
    interval,
    metric_name,
    plus_minus,
    score,
    short,
)
from wenlu.evaluation.records import Record, number, record, records
from wenlu.evaluation.seeds import cost_summary, seed_metrics, seed_summary

COSTS = {"examples_per_second": "Examples/s", "seconds": "Time"}


def result_table(result: Record) -> Table:
    """The scores of one run with their 95 % interval, or of several seeds with mean and deviation.

    Args:
        result: what `result.json` holds.
    """
    title = Text.assemble((str(result.get("task") or "result"), "bold"), (" · dev set", "dim"))
    if model := result.get("model"):
        title.append(f" · {model}", "dim")
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    (_several if records(result.get("runs")) else _single)(table, result)
    return table


def _single(table: Table, result: Record) -> None:
    scores = record(result.get("scores"))
    main = str(result.get("main_metric") or "accuracy")
    table.add_column("")
    table.add_column("Value", justify="right")
    table.add_column("95 % interval", justify="right", style="dim")
    others = (name for name in scores if name in METRICS and name != "loss")
    for metric in dict.fromkeys((main, *others)):
        value = number(scores, metric)
        low, high = number(scores, f"{metric}_low"), number(scores, f"{metric}_high")
        span = "" if low is None or high is None else interval(metric, low, high)
        style = "bold" if metric == main else ""
        table.add_row(Text(metric_name(metric)[0]), Text(score(metric, value), style), span)
    table.add_row("Examples a second", short(number(result, "examples_per_second")), "")
    table.add_row("Time", duration(number(result, "seconds")), "")


def _several(table: Table, result: Record) -> None:
    runs = records(result.get("runs"))
    metrics = [metric for metric in seed_metrics(result) if metric != "loss"]
    costs = [key for key in COSTS if any(number(run, key) is not None for run in runs)]
    table.add_column("Seed")
    for heading in (*(metric_name(metric)[0] for metric in metrics), *map(COSTS.get, costs)):
        table.add_column(Text(str(heading)), justify="right")
    for run in runs:
        scores = record(run.get("scores"))
        table.add_row(
            Text(str(run.get("seed", DASH))),
            *(score(metric, number(scores, metric)) for metric in metrics),
            *(_cost(key, number(run, key)) for key in costs),
        )
    table.add_section()
    table.add_row(
        "mean ± sd",
        *(plus_minus(metric, *seed_summary(result, metric)) for metric in metrics),
        *(_cost(key, *cost_summary(result, key)) for key in costs),
        style="bold",
    )
    if not costs and number(result, "seconds") is not None:
        table.caption = f"{duration(number(result, 'seconds'))} for all seeds"
        table.caption_justify = "left"


def _cost(key: str, mean: float | None, deviation: float | None = None) -> str:
    write = duration if key == "seconds" else short
    return write(mean) if deviation is None else f"{write(mean)} ± {write(deviation)}"
