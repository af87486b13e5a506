"""How the run learned: losses, dev scores, learning rate, gradient, speed."""

from collections.abc import Callable
from math import nan

from wenlu.evaluation.numerals import decimals, metric_name, percent, short
from wenlu.evaluation.records import Record, number
from wenlu.evaluation.report.charts import Line, Note, Point, line_chart, smooth
from wenlu.evaluation.report.facts import Facts
from wenlu.evaluation.report.markup import Html, empty, tag

BESIDE = {
    "macro_f1": "macro",
    "exact_match": "macro",
    "accuracy": "macro",
    "micro_f1": "train",
    "f1": "train",
}
"""Scores that are drawn beside the main one, where there are no labels to speak of."""


def curves(facts: Facts) -> Html:
    """Two large charts, losses and dev scores, and small ones for the rest."""
    if not facts.run.steps and not facts.run.epochs:
        return empty("No step has been logged.")
    large = [_losses(facts), _scores(facts)]
    small = [
        _small(facts, "learning_rate", ("Learning rate", "学习率"), "{:.3g}".format),
        _small(facts, "gradient_norm", ("Gradient norm", "梯度范数"), decimals),
        _small(facts, "examples_per_second", ("Examples a second", "样本/秒"), short),
    ]
    return tag("div", *large, *small, class_="charts")


def _losses(facts: Facts) -> Html | None:
    raw = _points(facts.run.steps, "step", "loss")
    by_epoch = _points(facts.run.epochs, "step", "train_loss")
    lines = []
    if raw:
        lines.append(Line(name=("each step", "逐步"), points=raw, style="raw", follow=False))
        lines.append(
            Line(name=("train, smoothed", "训练（平滑）"), points=smooth(raw), style="train")
        )
    elif by_epoch:
        lines.append(Line(name=("train", "训练"), points=by_epoch, style="train", dots=True))
    dev = _points(facts.run.epochs, "step", "dev_loss")
    if dev:
        lines.append(Line(name=("dev", "验证"), points=dev, style="dev", dots=True))
    if not lines:
        return None
    ends = [x for each in facts.run.epochs if (x := number(each, "step")) is not None]
    return line_chart(
        ("Loss", "损失"), lines, across=("step", "步"), rules=ends, low=_floor(lines), x_low=0.0
    )


def _scores(facts: Facts) -> Html | None:
    lines = []
    beside = {"accuracy": "dev", "macro_f1": "macro"}
    if facts.run.kind != "labels":
        beside = {key: style for key, style in BESIDE.items() if key != facts.main_metric}
    for metric, style in {facts.main_metric: "dev", **beside}.items():
        points = _points(facts.run.epochs, "epoch", metric)
        if points:
            name = metric_name(metric)
            lines.append(Line(name=name, points=points, style=style, dots=True))
    if not lines:
        return None
    best = facts.best_epoch
    at = [point for point in lines[0].points if point[0] == best]
    note = Note(*at[0], f"best: epoch {best}, {percent(at[0][1])}") if at else None
    return line_chart(
        ("Dev set by epoch", "验证集得分"),
        lines,
        across=("epoch", "轮"),
        write=lambda value: percent(value, 1),
        rules=[point[0] for point in at],
        note=note,
    )


def _small(
    facts: Facts, key: str, title: tuple[str, str], write: Callable[[float], str]
) -> Html | None:
    points = _points(facts.run.steps, "step", key)
    if not points:
        return None
    line = Line(name=title, points=points, style="train")
    return line_chart(
        title, [line], across=("step", "步"), write=write, low=0.0, x_low=0.0, kind="little"
    )


def _floor(lines: list[Line]) -> float | None:
    """Losses are read from 0 where they come near it."""
    values = [y for line in lines for _, y in line.points if y == y]
    return 0.0 if values and 0 <= min(values) < 0.5 * max(values) else None


def _points(rows: tuple[Record, ...], across: str, key: str) -> list[Point]:
    """The values of a key; a value that is no finite number becomes a gap."""
    return [
        (x, nan if (y := number(row, key)) is None else y)
        for row in rows
        if key in row and (x := number(row, across)) is not None
    ]
