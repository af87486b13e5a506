"""Answers cut from a text: what is answered well, how long answers are, and the mistakes."""

import re
from collections.abc import Callable, Sequence
from statistics import fmean

from wenlu.evaluation.numerals import decimals, metric_name, percent, whole
from wenlu.evaluation.predictions import AnswerPrediction
from wenlu.evaluation.report.examples import (
    WORST,
    example_list,
    gold_words,
    predicted_words,
    verdict,
)
from wenlu.evaluation.report.facts import Facts
from wenlu.evaluation.report.highlights import MISSED, SURPLUS, Mark, marked_text
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

LENGTHS = ((1, 4), (5, 8), (9, 16), (17, 32), (33, None))
"""Characters of the shortest right answer, by which questions are grouped."""
KINDS = (
    ("how many", "多少", "多少|几[^乎率]|多[大长高远久重深宽]|百分之"),
    ("when", "何时", "何时|什么时[候间]|哪[一]?[年天月日]|几[年月日]|何[年日]|时间|年份|日期"),
    ("where", "何地", "哪里|哪儿|何处|何地|什么地方|位于|哪[个一座]?[国省市县区州岛城]|在哪"),
    ("who", "何人", "谁|哪位|何人|哪些人|什么人"),
    ("why", "为何", "为什么|为何|原因|因何|因为什么"),
    ("how", "如何", "如何|怎么|怎样|怎么样"),
    ("which, what", "何物", "什么|哪|何|啥"),
)
"""Kinds of questions, each with the words that tell it; the first that fits is taken."""
MOST_GOLD = 3
"""Right answers that are marked and named."""


def answers(facts: Facts) -> Html:
    """Scores by kind of question and by length of answer, and whether answers come too long."""
    rated = facts.rated_as(AnswerPrediction)
    if not rated:
        return empty("No dev predictions with right answers yet.")
    tables = [
        _table(("Question", "问题"), _groups(rated, _kind, [kind[:2] for kind in KINDS])),
        _table(("Right answer", "答案长度"), _groups(rated, _length, list(map(_span, LENGTHS)))),
    ]
    return join([_lengths(rated), tag("div", *tables, class_="tables")])


def answer_mistakes(facts: Facts) -> Html:
    """The worst answers, each marked in its text beside the right one."""
    rated = facts.rated_as(AnswerPrediction)
    if not rated:
        return empty("No dev predictions with right answers yet.")
    wrong = [each for each in rated if not each.right]
    if not wrong:
        return empty("No mistakes.")
    wrong.sort(key=lambda each: (each.worth, -(each.score or 0.0)))
    said = tag(
        "p",
        f"{whole(len(wrong))} of {whole(len(rated))} questions were not answered exactly. The "
        "worst come first, of equally bad ones the surest. The right answer is marked where it "
        "stands nearest to the predicted one. ",
        chinese("最差的排在最前；真实答案标在离预测最近的出现处。"),
        class_="hint",
    )
    return join([said, example_list(wrong[:WORST], _mistake)])


def gold_places(each: AnswerPrediction) -> list[tuple[int, int]]:
    """Where the right answers stand; of several occurrences that nearest to the prediction."""
    found = []
    for text in (each.gold or ())[:MOST_GOLD]:
        starts = [hit.start() for hit in re.finditer(f"(?={re.escape(text)})", each.context)]
        if text and starts:
            near = min(starts, key=lambda start: abs(start - (each.start or 0)))
            found.append((near, near + len(text)))
    return found


def _mistake(each: AnswerPrediction) -> Html:
    places = gold_places(each)
    marks = [
        Mark(MISSED, "gold 真实", each.context[start:end], start, end) for start, end in places
    ]
    if each.start is not None:
        marks.append(Mark(SURPLUS, "predicted 预测", each.predicted, each.start, each.end))
    gold = each.gold or ()
    named = join(map(quoted, gold[:MOST_GOLD]), " / ")
    more = f" +{len(gold) - MOST_GOLD}" if gold[MOST_GOLD:] else ""
    parts = [
        gold_words(join([named, more])) if gold else None,
        predicted_words(quoted(each.predicted) if each.predicted else both("nothing", "无")),
        *(
            tag("span", metric_name(metric)[0], f" {_score(metric, value)}")
            for metric, value in each.scores.items()
        ),
        None if each.score is None else tag("span", both("score", "分值"), f" {_plain(each)}"),
    ]
    words = tag(
        "div",
        tag("p", quoted(each.question), class_="question"),
        marked_text(each.context, marks),
        verdict(*parts, id=each.id),
        class_="said",
    )
    return tag("li", words, class_="wide")


def _plain(each: AnswerPrediction) -> str:
    return decimals(each.score, 3)


def _score(metric: str, value: float) -> str:
    if metric == "exact_match":
        return "✓" if value == 1.0 else "✗"
    return percent(value, 1)


def _lengths(rated: Sequence[AnswerPrediction]) -> Html:
    known = [each for each in rated if each.gold]
    said = [len(each.predicted) for each in rated]
    parts = [f"Predicted answers have {fmean(said):.1f} characters on average"]
    if known:
        right = [len(min(each.gold or (), key=len)) for each in known]
        longer = sum(len(each.predicted) > max(map(len, each.gold or ())) for each in known)
        shorter = sum(len(each.predicted) < min(map(len, each.gold or ())) for each in known)
        parts.append(
            f", the right ones {fmean(right):.1f}; {percent(longer / len(known), 1)} are longer "
            f"than every right answer, {percent(shorter / len(known), 1)} shorter"
        )
    nothing = sum(not each.predicted for each in rated)
    if nothing:
        asked = "1 question" if nothing == 1 else f"{whole(nothing)} questions"
        parts.append(f"; {asked} got no answer")
    return tag(
        "p",
        *parts,
        ". ",
        chinese("预测答案与真实答案的平均字数，以及偏长、偏短的比例。"),
        class_="hint",
    )


Group = tuple[tuple[str, str], list[AnswerPrediction]]


def _groups(
    rated: Sequence[AnswerPrediction],
    place: Callable[[AnswerPrediction], int],
    names: Sequence[tuple[str, str]],
) -> list[Group]:
    """The questions of each group that has any, those of none at the end."""
    found: list[list[AnswerPrediction]] = [[] for _ in range(len(names) + 1)]
    for each in rated:
        found[place(each)].append(each)
    every = [*names, ("other", "其他")]
    return [(name, group) for name, group in zip(every, found, strict=True) if group]


def _kind(each: AnswerPrediction) -> int:
    fits = (at for at, kind in enumerate(KINDS) if re.search(kind[2], each.question))
    return next(fits, len(KINDS))


def _length(each: AnswerPrediction) -> int:
    size = min(map(len, each.gold or ()), default=0)
    fits = (at for at, (low, high) in enumerate(LENGTHS) if low <= size <= (high or size))
    return next(fits, len(LENGTHS))


def _span(length: tuple[int, int | None]) -> tuple[str, str]:
    low, high = length
    return (f"{low} to {high}", "字") if high else (f"{low} and more", "字以上")


def _table(title: tuple[str, str], groups: Sequence[Group]) -> Html:
    head = [
        tag("th", both(*title), scope="col"),
        tag("th", both("Questions", "题数"), scope="col", class_="n"),
        tag("th", both("Exact", "完全匹配"), scope="col", class_="n"),
        tag("th", "F1", scope="col", class_="n"),
    ]
    total = sum(len(group) for _, group in groups)
    rows = []
    for name, group in groups:
        exact = fmean(each.right for each in group)
        worth = fmean(each.worth for each in group)
        rows.append(
            tag(
                "tr",
                tag("th", both(*name), scope="row"),
                barred("size", whole(len(group)), len(group) / total),
                barred("ratio", percent(exact, 1), exact),
                barred("f1", percent(worth, 1), worth),
            )
        )
    table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *rows), class_="sortable")
    return scrolling(table, f"Scores by {title[0].lower()}")
