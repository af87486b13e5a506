"""A confusion matrix with its largest cells spelt out, each with an example."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Int64

from wenlu.evaluation.confusions import ConfusedPair, confused_classes, confused_pairs
from wenlu.evaluation.numerals import percent, whole
from wenlu.evaluation.report.heat_map import heat_map, legend
from wenlu.evaluation.report.markup import Html, both, chinese, empty, join, quoted, scrolling, tag

MOST_CLASSES = 40
"""A matrix of more classes is shown in part."""
PART = 30
"""So many of the most confused classes are then shown."""
EXAMPLE = 60
"""Characters of the example of a pair."""


def matrix_and_pairs(
    matrix: Int64[np.ndarray, "gold predicted"],
    names: Sequence[str],
    example: Callable[[ConfusedPair], str],
    *,
    noun: tuple[str, str] = ("classes", "类别"),
) -> Html:
    """A confusion matrix, or its most telling part, and its largest cells off the diagonal.

    Args:
        matrix: gold labels by predicted labels.
        names: what each label is called.
        example: a text for a pair of labels.
        noun: what the labels are.
    """
    large = len(names) > MOST_CLASSES
    shown = confused_classes(matrix, PART) if large else list(range(len(names)))
    pairs = confused_pairs(matrix, 30 if large else 12)
    if not pairs:
        table, told = empty("No mistakes."), None
    else:
        told = tag("h3", both("Most frequent mistakes", "最常见的误判"))
        table = scrolling(
            _pairs(names, pairs, example), "Most frequent mistakes", kind="tall" if large else ""
        )
    parts: list[Html | None] = [told, table]
    if shown:
        heading = None
        if large:
            heading = tag(
                "h3",
                f"The {len(shown)} most confused of {len(names)} {noun[0]} ",
                chinese(f"最易混淆的{noun[1]}"),
            )
        grid = scrolling(heat_map(matrix, names, shown), "Confusion matrix", kind="fit")
        drawn = [heading, legend(), grid]
        parts = [*parts, *drawn] if large else [*drawn, *parts]
    return join(parts)


def _pairs(
    names: Sequence[str], pairs: list[ConfusedPair], example: Callable[[ConfusedPair], str]
) -> Html:
    head = [
        tag("th", both("Gold", "真实"), scope="col"),
        tag("th", both("Taken for", "误判为"), scope="col"),
        tag("th", both("Times", "次数"), scope="col", class_="n"),
        tag("th", both("Of the class", "占该类"), scope="col", class_="n"),
        tag("th", both("For example", "例如"), scope="col"),
    ]
    rows = []
    for pair in pairs:
        text = example(pair)
        shown = text if len(text) <= EXAMPLE else f"{text[:EXAMPLE]}…"
        rows.append(
            tag(
                "tr",
                tag("td", quoted(names[pair.gold])),
                tag("td", quoted(names[pair.predicted]), class_="wrong"),
                tag("td", whole(pair.count), class_="n"),
                tag("td", percent(pair.share, 1), class_="n"),
                tag("td", quoted(shown), class_="example"),
            )
        )
    return tag("table", tag("thead", tag("tr", *head)), tag("tbody", *rows), class_="pairs")
