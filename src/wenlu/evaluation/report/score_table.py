"""A table of labels with precision, recall and F1, and what is taken for what, for pieces of text.

Spans and relations share it: their labels are types, or predicates.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from wenlu.evaluation.matching import Match, Tally, mixed_up
from wenlu.evaluation.numerals import DASH, percent, whole
from wenlu.evaluation.report.facts import Facts
from wenlu.evaluation.report.markup import (
    Html,
    barred,
    both,
    chinese,
    empty,
    join,
    quoted,
    scrolling,
    tag,
)
from wenlu.evaluation.report.matrix import matrix_and_pairs

COLUMNS = (
    ("F1", "", "n"),
    ("Precision", "精确率", "n"),
    ("Recall", "召回率", "n"),
    ("Gold", "真实数", "n"),
    ("Predicted", "预测数", "n"),
    ("Found", "找到", "n"),
    ("Most taken for", "最常误判为", ""),
)
NOTHING = ("(nothing)", "（无）")


def score_table(facts: Facts, noun: tuple[str, str]) -> Html:
    """A row a label, weakest first, which a click on a column head sorts; the sum in the foot."""
    if not facts.matches:
        return empty("No dev predictions with gold answers yet.")
    if not facts.tallies:
        return empty("Neither the dev set nor the predictions hold anything to score.")
    taken = _taken_for(facts)
    met = sorted(facts.tallies.items(), key=lambda each: (each[1].f1, -each[1].gold, each[0]))
    largest = max(max(each.gold, each.predicted) for _, each in met)
    head = [
        tag("th", both(english, name) if name else english, scope="col", class_=kind or None)
        for english, name, kind in ((*noun, ""), *COLUMNS)
    ]
    rows = [_row(facts, label, tally, largest, taken.get(label)) for label, tally in met]
    table = tag(
        "table",
        tag("thead", tag("tr", *head)),
        tag("tbody", *rows),
        tag("tfoot", _foot([tally for _, tally in met])),
        class_="classes sortable",
    )
    kind = "tall" if len(met) > 40 else ""
    said = tag("p", "Weakest first. ", chinese("从弱到强排列。"), class_="hint")
    return join([said, scrolling(table, f"Scores by {noun[0].lower()}", kind=kind)])


def mix_ups(
    facts: Facts, noun: tuple[str, str], same: tuple[str, str], show: Callable[[Any], str]
) -> Html:
    """The matrix of what was taken for what at the same place.

    Args:
        facts: the run.
        noun: what the labels are, in the plural.
        same: a sentence that says what is meant by the same place.
        show: a piece in words, for an example.
    """
    if not facts.matches:
        return empty("No dev predictions with gold answers yet.")
    if not facts.tallies:
        return empty("There is nothing to take for anything else.")
    labels = list(facts.tallies)
    matches = [each for _, found in facts.matches for each in found]
    names = [*(facts.name(label) for label in labels), " ".join(NOTHING)]
    places = {label: at for at, label in enumerate([*labels, None])}
    examples: dict[tuple[int, int], str] = {}
    for each in matches:
        pair = places[_label(each.gold)], places[_label(each.predicted)]
        examples.setdefault(pair, show(each.piece))
    said = tag(
        "p",
        f"{same[0]} What was missed was taken for nothing, what is surplus is nothing in the gold "
        "answers. ",
        chinese(f"{same[1]}漏掉的记为预测“无”，多余的记为真实“无”。"),
        class_="hint",
    )
    drawn = matrix_and_pairs(
        mixed_up(matches, labels),
        names,
        lambda pair: examples[pair.gold, pair.predicted],
        noun=noun,
    )
    return join([said, drawn])


def _label(piece: Any) -> str | None:  # noqa: ANN401
    return None if piece is None else piece.label


def _row(
    facts: Facts, label: str, tally: Tally, largest: int, taken: tuple[str, int] | None
) -> Html:
    name = facts.name(label)
    code = tag("small", label) if name != label else None
    other = None
    if taken is not None:
        other = join([quoted(facts.name(taken[0])), " ", tag("small", f"× {taken[1]}")])
    return tag(
        "tr",
        tag("th", quoted(name), " ", code, scope="row"),
        *_scores(tally),
        barred("size", whole(tally.gold), tally.gold / largest),
        tag("td", whole(tally.predicted), class_="n"),
        tag("td", whole(tally.found), class_="n"),
        tag("td", other),
    )


def _scores(tally: Tally) -> list[Html]:
    return [
        barred("f1", percent(tally.f1, 1), tally.f1),
        barred("ratio", percent(tally.precision, 1) if tally.predicted else DASH, tally.precision),
        barred("ratio", percent(tally.recall, 1) if tally.gold else DASH, tally.recall),
    ]


def _foot(rows: list[Tally]) -> Html:
    total = sum(rows, Tally())
    counts = [total.gold, total.predicted, total.found]
    return tag(
        "tr",
        tag("th", both("all together", "合计"), scope="row"),
        *_scores(total),
        *(tag("td", whole(count), class_="n") for count in counts),
        tag("td"),
    )


def _taken_for(facts: Facts) -> dict[str, tuple[str, int]]:
    """The label that each is most often taken for."""
    pairs = Counter(
        (each.gold.label, each.predicted.label)
        for _, matches in facts.matches
        for each in matches
        if each.gold is not None and each.predicted is not None and each.verdict == "wrong"
    )
    found: dict[str, tuple[str, int]] = {}
    for (gold, predicted), count in pairs.most_common():
        found.setdefault(gold, (predicted, count))
    return found


def counts_of(matches: list[Match[Any]]) -> Counter[str]:
    """How many pieces were found, missed, surplus, wrong."""
    return Counter(each.verdict for each in matches)
