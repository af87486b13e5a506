"""A confusion matrix as a table of shaded cells.

It is a real table, so it can be read aloud, selected and copied; the shade only repeats what the
numbers say. Right answers and mistakes have a colour each: a right cell is as strong as its
share of the row, a mistake as strong as the root of it, or the mistakes would not be seen.

Axes: gold, predicted.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from jaxtyping import Int64

from wenlu.evaluation.numerals import percent, whole
from wenlu.evaluation.report.markup import Html, both, chinese, quoted, tag

TURN = {"hit": (0.81, 0.59), "miss": (0.82, 0.64)}
"""The strength from which on a cell is too dark for black words, on a light and on a dark page.
The tests hold every shade of the style sheet to a contrast of 4.5 and more."""


def heat_map(
    confusion: Int64[np.ndarray, "gold predicted"],
    names: Sequence[str],
    shown: Sequence[int],
) -> Html:
    """The rows and columns `shown` of a confusion matrix, in that order.

    Args:
        confusion: the whole matrix.
        names: what each class is called.
        shown: the classes to show; what went to the others is added up in one column.
    """
    partial = len(shown) < len(confusion)
    total = ("total", "合计")
    ends = [("others", "其余"), total] if partial else [total]
    heads = [
        *(_column(quoted(names[k])) for k in shown),
        *(_column(both(*end), "sum") for end in ends),
    ]
    corner = tag("th", both("gold ↓ predicted →", "真实 ↓ 预测 →"), class_="corner", scope="col")
    rows = [_row(confusion, names, shown, k, partial) for k in shown]
    columns = confusion[:, list(shown)].sum(0).tolist()
    blanks = [tag("td", class_="sum")] if partial else []
    foot = tag(
        "tr",
        tag("th", both("all predicted", "预测合计"), scope="row"),
        *(tag("td", whole(count), class_="sum") for count in columns),
        *blanks,
        tag("td", whole(int(confusion.sum())), class_="sum"),
    )
    size = "small" if len(shown) <= 6 else "medium" if len(shown) <= 20 else "large"
    return tag(
        "table",
        tag("thead", tag("tr", corner, *heads)),
        tag("tbody", *rows),
        tag("tfoot", foot),
        class_=f"heat {size}",
    )


def legend() -> Html:
    """What the colours of the cells say."""
    return tag(
        "p",
        tag("i", class_="swatch hit"),
        " right, ",
        tag("i", class_="swatch miss"),
        " wrong; the stronger, the larger the share of the row. ",
        chinese("对角线为答对，其余为误判；颜色越深，占该行比例越大。"),
        class_="hint",
    )


def _column(name: Html, kind: str | None = None) -> Html:
    return tag("th", tag("span", name), scope="col", class_=kind)


def _row(
    confusion: Int64[np.ndarray, "gold predicted"],
    names: Sequence[str],
    shown: Sequence[int],
    gold: int,
    partial: bool,
) -> Html:
    counts = confusion[gold].tolist()
    support = sum(counts)
    cells = [_cell(counts[k], support, names[gold], names[k], k == gold) for k in shown]
    if partial:
        cells.append(tag("td", whole(support - sum(counts[k] for k in shown)), class_="sum"))
    return tag(
        "tr",
        tag("th", quoted(names[gold]), scope="row"),
        *cells,
        tag("td", whole(support), class_="sum"),
    )


def _cell(count: int, support: int, gold: str, predicted: str, right: bool) -> Html:
    if not count:
        return tag("td")
    share = count / support
    kind, strength = ("hit", share) if right else ("miss", sqrt(share))
    light, dark = (strength >= turn for turn in TURN[kind])
    words = f"{gold} → {predicted}: {whole(count)} ({percent(share, 1)})"
    turns = f"{' l' if light else ''}{' d' if dark else ''}"
    return tag("td", count, class_=kind + turns, style=f"--v:{strength:.2f}", title=words)
