"""Whether the probabilities of the model can be believed."""

from collections.abc import Sequence

from wenlu.evaluation.calibration import (
    Bin,
    calibration_error,
    reliability_bins,
    selective_accuracy,
)
from wenlu.evaluation.metrics import wilson_interval
from wenlu.evaluation.numerals import percent, whole
from wenlu.evaluation.report.axes import SIZE, axis
from wenlu.evaluation.report.charts import Line, frame, line_chart, stroke
from wenlu.evaluation.report.facts import Facts
from wenlu.evaluation.report.markup import Html, chinese, empty, join, tag


def confidence(facts: Facts) -> Html:
    """A reliability diagram, and the accuracy on the surest part of the texts."""
    if facts.certain is None:
        return empty("The run kept no probabilities for its dev predictions.")
    sure, right = facts.certain
    bins = reliability_bins(sure, right)
    error = calibration_error(bins)
    reached = selective_accuracy(sure, right).tolist()
    asked = "questions" if facts.chosen else "texts"
    said = tag(
        "p",
        "Expected calibration error (ECE, 10 bins) ",
        tag("b", percent(error)),
        f"; mean confidence {percent(float(sure.mean()), 1)} against accuracy "
        f"{percent(float(right.mean()), 1)}. On the surer half of the {asked} the accuracy is "
        f"{percent(reached[(len(reached) - 1) // 2], 1)}. ",
        chinese("柱高为该置信度下的准确率，贴近对角线则概率可信。"),
        class_="hint",
    )
    charts = tag("div", _reliability(bins, error), _selective(reached), class_="charts")
    return join([said, charts])


def _reliability(bins: Sequence[Bin], error: float) -> Html:
    total = sum(each.count for each in bins)
    drawing = [stroke(f"M0 {SIZE}L{SIZE} 0", "ideal")]
    for each in bins:
        if not each.count:
            continue
        left, width = SIZE * each.low, SIZE * (each.high - each.low)
        low, high = wilson_interval(each.correct, each.count)
        middle, height = left + width / 2, SIZE * each.accuracy
        words = (
            f"confidence {percent(each.low, 0)} to {percent(each.high, 0)}: {whole(each.count)} "
            f"texts ({percent(each.count / total, 1)}), accuracy {percent(each.accuracy, 1)}"
        )
        box = {"x": f"{left + 4:.1f}", "width": f"{width - 8:.1f}"}
        drawing.append(
            tag(
                "g",
                tag("title", words),
                tag(
                    "rect", **box, y=f"{SIZE - height:.1f}", height=f"{height:.1f}", class_="column"
                ),
                stroke(f"M{middle:.1f} {SIZE * (1 - low):.1f}V{SIZE * (1 - high):.1f}", "whisker"),
            )
        )
    share = axis([0.0, 1.0], low=0.0, high=1.0)
    return frame(
        ("Accuracy by confidence", "各置信度下的准确率"),
        (),
        join(drawing),
        x_axis=share,
        y_axis=share,
        across=("confidence", "置信度"),
        write=lambda value: percent(value, 0),
        write_x=lambda value: percent(value, 0),
        marks=[_sizes(bins)],
        summary=f"Reliability diagram, expected calibration error {percent(error)}",
        kind="square sized",
    )


def _sizes(bins: Sequence[Bin]) -> Html:
    """How many texts each bin holds, as a strip of little columns."""
    largest = max(each.count for each in bins)
    columns = [tag("i", style=f"height:{100 * each.count / largest:.1f}%") for each in bins]
    return tag("span", *columns, class_="sizes", aria_hidden="true")


def _selective(reached: Sequence[float]) -> Html:
    """The accuracy on ever larger parts of the texts, from a part large enough to say much."""
    count = len(reached)
    points = [(k / count, value) for k, value in enumerate(reached, 1)]
    line = Line(name=("accuracy", "准确率"), points=points[min(count - 1, 20) :], style="dev")
    return line_chart(
        ("Answering only the surest", "只答最有把握的"),
        [line],
        across=("share of texts answered", "作答比例"),
        write=lambda value: percent(value, 0),
        write_x=lambda value: percent(value, 0),
        x_low=0.0,
        x_high=1.0,
        high=1.0,
        whole_x=False,
        kind="square",
    )
