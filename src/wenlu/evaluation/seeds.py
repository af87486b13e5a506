"""Several seeds of one run: which scores they have, and their mean and deviation."""

from wenlu.evaluation.metrics import mean_and_deviation
from wenlu.evaluation.records import Record, number, record, records

Summary = tuple[float | None, float | None]


def seed_metrics(result: Record) -> list[str]:
    """The metrics that a result of several seeds has, the main one first."""
    parts = [record(result.get("scores"))]
    parts += [record(run.get("scores")) for run in records(result.get("runs"))]
    keys = [str(result.get("main_metric") or "accuracy"), "accuracy", "macro_f1", "loss"]
    keys += [key for part in parts for key in part]
    return [
        key
        for key in dict.fromkeys(keys)
        if not key.endswith(("_low", "_high", "_sd"))
        and any(number(part, key) is not None for part in parts)
    ]


def seed_summary(result: Record, metric: str) -> Summary:
    """Mean and deviation of a metric over the seeds: as recorded, else worked out."""
    scores, runs = record(result.get("scores")), records(result.get("runs"))
    mean, deviation = _over([record(run.get("scores")) for run in runs], metric)
    recorded = number(scores, metric), number(scores, f"{metric}_sd")
    return (
        mean if recorded[0] is None else recorded[0],
        deviation if recorded[1] is None else recorded[1],
    )


def cost_summary(result: Record, key: str) -> Summary:
    """Mean and deviation of a number of the runs themselves, such as `seconds`."""
    return _over(records(result.get("runs")), key)


def _over(parts: list[Record], key: str) -> Summary:
    values = [value for part in parts if (value := number(part, key)) is not None]
    return mean_and_deviation(values) if values else (None, None)
