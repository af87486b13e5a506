"""The score of every class, weakest first."""

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

COLUMNS = (
    ("Class", "类别", ""),
    ("F1", "", "n"),
    ("Precision", "精确率", "n"),
    ("Recall", "召回率", "n"),
    ("Texts", "样本数", "n"),
    ("Predicted", "预测数", "n"),
    ("Most taken for", "最常误判为", ""),
)


def classes(facts: Facts) -> Html:
    """A table that a click on a column head sorts."""
    if facts.confusion is None:
        return empty("No dev predictions with gold labels yet.")
    guesses = facts.confusion.sum(0).tolist()
    met = [k for k, each in enumerate(facts.classes) if each.support or guesses[k]]
    met.sort(key=lambda k: (facts.classes[k].f1, -facts.classes[k].support))
    largest = max(max(each.support for each in facts.classes), *guesses)
    head = [
        tag("th", both(english, name) if name else english, scope="col", class_=kind or None)
        for english, name, kind in COLUMNS
    ]
    rows = [_row(facts, k, guesses[k], largest) for k in met]
    table = tag(
        "table", tag("thead", tag("tr", *head)), tag("tbody", *rows), class_="classes sortable"
    )
    unseen = len(facts.labels) - len(met)
    parts: list[Html | None] = [
        tag("p", "Weakest first. ", chinese("从弱到强排列。"), class_="hint"),
        scrolling(table, "Scores by class", kind="tall" if len(met) > 40 else ""),
    ]
    if unseen:
        parts.append(
            empty(f"{unseen} more labels occur neither in the dev set nor in the predictions.")
        )
    return join(parts)


def _row(facts: Facts, at: int, guessed: int, largest: int) -> Html:
    score = facts.classes[at]
    label, name = facts.labels[at], facts.name(facts.labels[at])
    code = tag("small", label) if name != label else None
    return tag(
        "tr",
        tag("th", quoted(name), " ", code, scope="row"),
        barred("f1", percent(score.f1, 1), score.f1),
        barred("ratio", percent(score.precision, 1) if guessed else DASH, score.precision),
        barred("ratio", percent(score.recall, 1) if score.support else DASH, score.recall),
        barred("size", whole(score.support), score.support / largest),
        tag("td", whole(guessed), class_="n"),
        tag("td", _taken_for(facts, at)),
    )


def _taken_for(facts: Facts, at: int) -> Html | None:
    assert facts.confusion is not None
    row = facts.confusion[at].copy()
    row[at] = 0
    worst = int(row.argmax())
    if not row[worst]:
        return None
    return join([quoted(facts.name(facts.labels[worst])), " ", tag("small", f"× {row[worst]}")])
