"""The numbers that people ask for first."""

from wenlu.evaluation.numerals import (
    DASH,
    duration,
    interval,
    metric_name,
    percent,
    score,
    short,
    whole,
)
from wenlu.evaluation.records import number, records
from wenlu.evaluation.report.facts import Facts
from wenlu.evaluation.report.markup import (
    Html,
    both,
    chinese,
    empty,
    join,
    quoted,
    rows_table,
    scrolling,
    tag,
)
from wenlu.evaluation.seeds import cost_summary


def headline(facts: Facts) -> Html:
    """The main metric, large, and the other numbers around it."""
    result = facts.result
    threads, memory = number(result, "threads"), number(result, "peak_memory_mb")
    device = str(result.get("device") or DASH)
    details = [str(result["precision"])] if result.get("precision") else []
    details += [f"{whole(threads)} threads"] if threads and device == "cpu" else []
    details += [f"{whole(memory)} MB at most"] if memory else []
    macro = (
        None
        if facts.main_metric == "macro_f1"
        else _card(
            metric_name("macro_f1"),
            score("macro_f1", facts.score("macro_f1")),
            _spread(facts, "macro_f1") or chinese("各类 F1 的平均"),
        )
    )
    cards = [
        macro,
        _card(metric_name("loss"), score("loss", facts.score("loss")), _spread(facts, "loss")),
        _card(
            ("Speed", "速度"), short(_gathered(facts, "examples_per_second")), "examples a second"
        ),
        _card(("Time", "用时"), duration(_gathered(facts, "seconds")), _epochs(facts)),
        _card(("Parameters", "参数量"), short(number(result, "parameters")), _model(facts)),
        _card(("Machine", "设备"), device, ", ".join(details)),
    ]
    return join([tag("div", _main(facts), *cards, class_="cards"), _others(facts)])


def _main(facts: Facts) -> Html:
    metric = facts.main_metric
    value = facts.score(metric)
    if value is None:
        return tag("div", empty("No score yet."), class_="card main")
    spread = _spread(facts, metric)
    if facts.interval:
        low, high = facts.interval
        spread = join(["95 % interval ", chinese("置信区间"), f" {interval(metric, low, high)}"])
    return tag(
        "div",
        tag("span", both(*metric_name(metric)), class_="what"),
        tag("strong", score(metric, value)),
        tag("span", spread, class_="below") if spread else None,
        _scale(facts, value) if _is_share(facts, value) else None,
        class_="card main",
    )


def _is_share(facts: Facts, value: float) -> bool:
    """Whether the main metric runs from nothing to everything."""
    return facts.main_metric == "accuracy" or (facts.run.kind != "labels" and 0 <= value <= 1)


def _scale(facts: Facts, value: float) -> Html:
    """Where the score stands between nothing and everything."""
    around = number(facts.scores, f"{facts.main_metric}_sd") or 0.0
    low, high = facts.interval or (value - around, value + around)
    width = max(high - low, 0.006)
    band = f"left:{100 * low:.2f}%;width:{100 * width:.2f}%"
    marks = [tag("i", class_="band", style=band)]
    words: list[Html | None] = []
    if facts.majority:
        label, share = facts.majority
        marks.append(tag("i", class_="base", style=f"left:{100 * share:.2f}%"))
        words.append(
            tag(
                "span",
                "Always answering ",
                quoted(facts.name(label)),
                f" scores {percent(share, 1)}.",
            )
        )
    if facts.guessing is not None and facts.main_metric == "accuracy":
        marks.append(tag("i", class_="base", style=f"left:{100 * facts.guessing:.2f}%"))
        words.append(tag("span", f"Guessing scores {percent(facts.guessing, 1)}."))
    bar = tag("span", *marks, class_="scale", aria_hidden="true")
    return join([bar, tag("span", *words, class_="below") if words else None])


def _card(name: tuple[str, str], value: str, below: str | None) -> Html | None:
    if value == DASH:
        return None
    under = tag("span", below, class_="below") if below else None
    return tag(
        "div", tag("span", both(*name), class_="what"), tag("strong", value), under, class_="card"
    )


def _gathered(facts: Facts, key: str) -> float | None:
    """A number of the run, or its mean over the seeds."""
    value = number(facts.result, key)
    return cost_summary(facts.result, key)[0] if value is None else value


def _spread(facts: Facts, metric: str) -> Html | None:
    deviation = number(facts.scores, f"{metric}_sd")
    if deviation is None:
        return None
    seeds = len(records(facts.result.get("runs")))
    return join([f"± {score(metric, deviation)} over {seeds} seeds"])


def _epochs(facts: Facts) -> str | None:
    if facts.gathers:
        known = number(facts.result, "seconds") is not None
        return "all seeds together" if known else "a seed, on average"
    epochs = number(facts.result, "epochs")
    if epochs is None:
        return None
    best = "" if facts.best_epoch is None else f", the best was {facts.best_epoch}"
    return f"{whole(epochs)} epochs{best}"


def _model(facts: Facts) -> Html | None:
    return quoted(str(facts.result["model"])) if facts.result.get("model") else None


def _others(facts: Facts) -> Html | None:
    """Scores that have no card."""
    carded = {facts.main_metric, "accuracy", "macro_f1", "loss"}
    if facts.main_metric != "accuracy":
        carded.discard("accuracy")
    extra = [
        (both(*metric_name(key)), score(key, value))
        for key in facts.scores
        if key not in carded
        and not key.endswith(("_low", "_high", "_sd"))
        and (value := number(facts.scores, key)) is not None
    ]
    return scrolling(rows_table(extra), "Other scores", kind="fit") if extra else None
