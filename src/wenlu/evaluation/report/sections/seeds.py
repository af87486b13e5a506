"""Several seeds of one run, side by side."""

from itertools import cycle
from math import isfinite
from urllib.parse import quote

from wenlu.evaluation.numerals import DASH, metric_name, percent, plus_minus, score
from wenlu.evaluation.records import Record, number, record, records
from wenlu.evaluation.report.charts import Line, line_chart
from wenlu.evaluation.report.facts import Facts
from wenlu.evaluation.report.markup import Html, both, chinese, join, scrolling, tag
from wenlu.evaluation.seeds import seed_metrics, seed_summary


def seeds(facts: Facts) -> Html | None:
    """A table of scores with mean and deviation, and the dev score of every seed."""
    runs = records(facts.result.get("runs"))
    if not runs:
        return None
    metrics = seed_metrics(facts.result)
    head = [tag("th", both("Seed", "随机种子"), scope="col")]
    head += [tag("th", both(*metric_name(metric)), scope="col", class_="n") for metric in metrics]
    rows = [
        tag(
            "tr",
            tag("th", _link(facts, run), scope="row"),
            *(_score(metric, number(record(run.get("scores")), metric)) for metric in metrics),
        )
        for run in runs
    ]
    foot = tag(
        "tr",
        tag("th", both("mean ± sd", "均值 ± 标准差"), scope="row"),
        *(
            tag("td", plus_minus(metric, *seed_summary(facts.result, metric)), class_="n")
            for metric in metrics
        ),
    )
    table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *rows), tag("tfoot", foot))
    hint = tag(
        "p",
        _agreement(facts),
        "Each seed has a report of its own, with its curves, confusions and mistakes. ",
        chinese("各种子另有单独的报告。"),
        class_="hint",
    )
    return join([scrolling(table, "Scores by seed"), hint, _curves(facts)])


def _score(metric: str, value: float | None) -> Html:
    return tag("td", score(metric, value), class_="n")


def _link(facts: Facts, run: Record) -> str:
    folder, name = str(run.get("folder") or ""), str(run.get("seed", DASH))
    if folder and (facts.run.folder / folder / "report.html").is_file():
        return tag("a", name, href=f"./{quote(folder)}/report.html")
    return name


def _agreement(facts: Facts) -> str | None:
    """How much the seeds differ in single texts, where they were measured on the same ones."""
    answers = [each.predictions for each in facts.seeds if each.predictions]
    if len(answers) < 2 or len({tuple(each.asked for each in run) for run in answers}) > 1:
        return None
    right = [[each.right for each in run if each.gold is not None] for run in answers]
    texts = list(zip(*right, strict=True))
    if not texts:
        return None
    never = sum(not any(text) for text in texts) / len(texts)
    sometimes = sum(any(text) and not all(text) for text in texts) / len(texts)
    return (
        f"{percent(never, 1)} of the dev texts are wrong under every seed, another "
        f"{percent(sometimes, 1)} under some. "
    )


def _curves(facts: Facts) -> Html | None:
    lines = []
    for each, style in zip(facts.seeds, cycle(("train", "dev", "macro")), strict=False):
        points = [
            (place, value)
            for epoch in each.epochs
            if (place := number(epoch, "epoch")) is not None
            and (value := number(epoch, facts.main_metric)) is not None
            and isfinite(value)
        ]
        if points:
            seed = str(each.result.get("seed", each.folder.name))
            lines.append(Line(name=(f"seed {seed}", ""), points=points, style=style, dots=True))
    if not lines:
        return None
    english, in_chinese = metric_name(facts.main_metric)
    chart = line_chart(
        (f"{english} by epoch, every seed", f"各种子的{in_chinese}"),
        lines,
        across=("epoch", "轮"),
        write=lambda value: percent(value, 0),
    )
    return tag("div", chart, class_="charts")
