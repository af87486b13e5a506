"""Choices: whether a place in the list is preferred, and the mistakes themselves."""

from wenlu.evaluation.numerals import DASH, percent, whole
from wenlu.evaluation.predictions import ChoicePrediction
from wenlu.evaluation.report.examples import (
    NEAREST,
    WORST,
    chances,
    example_list,
    shown_text,
    verdict,
)
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


def places(facts: Facts) -> Html:
    """How often the right choice stood at each place, how often it was chosen, and found."""
    if not facts.chosen:
        return empty("No dev predictions with right choices yet.")
    head = [
        tag("th", both("Place", "位置"), scope="col"),
        tag("th", both("Right there", "正确项在此"), scope="col", class_="n"),
        tag("th", both("Chosen", "被选中"), scope="col", class_="n"),
        tag("th", both("Found", "答对"), scope="col", class_="n"),
    ]
    rows = []
    for place in range(max(len(each.choices) for each in facts.chosen)):
        here = [each for each in facts.chosen if each.gold == place]
        taken = sum(each.predicted == place for each in facts.chosen)
        found = sum(each.right for each in here)
        share = found / len(here) if here else 0.0
        rows.append(
            tag(
                "tr",
                tag("th", place + 1, scope="row"),
                _share(len(here), len(facts.chosen)),
                _share(taken, len(facts.chosen)),
                barred("f1", percent(share, 1) if here else DASH, share),
            )
        )
    table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *rows), class_="sortable")
    said = tag(
        "p",
        f"{whole(sum(each.right for each in facts.chosen))} of {whole(len(facts.chosen))} "
        "questions were answered rightly. A place that is chosen much more often than it is "
        "right is a habit of the model, not knowledge. ",
        chinese("若某个位置被选中的次数远多于正确次数，说明模型有位置偏好。"),
        class_="hint",
    )
    return join([said, scrolling(table, "Choices by place", kind="fit")])


def choice_mistakes(facts: Facts) -> Html:
    """The mistakes that the model was surest of, and those that it nearly got right."""
    if not facts.chosen:
        return empty("No dev predictions with right choices yet.")
    wrong = [each for each in facts.chosen if not each.right]
    if not wrong:
        return empty("No mistakes.")
    said = tag(
        "p",
        f"{whole(len(wrong))} of {whole(len(facts.chosen))} questions were answered wrongly. ",
        "The surest mistakes are worth reading first. ",
        chinese("最有把握的错误最值得先看。"),
        class_="hint",
    )
    sure = sorted(wrong, key=lambda each: -(each.confidence or 0.0))[:WORST]
    parts: list[Html | None] = [
        said,
        tag("h3", both("Surest mistakes", "最有把握的误判")),
        example_list(sure, _mistake),
    ]
    near = sorted((each for each in wrong if each.probabilities), key=_margin)[:NEAREST]
    if near:
        parts += [tag("h3", both("Nearest misses", "一步之差")), example_list(near, _mistake)]
    return join(parts)


def _share(count: int, total: int) -> Html:
    return barred("size", f"{whole(count)} ({percent(count / total, 1)})", count / total)


def _margin(each: ChoicePrediction) -> float:
    """How far the right choice stands behind the chosen one."""
    return (each.confidence or 0.0) - each.probabilities[each.gold or 0]


def _mistake(each: ChoicePrediction) -> Html:
    texts = [shown_text(text) for text in each.texts]
    lines = [_choice(each, place) for place in range(len(each.choices))]
    listed = tag("ol", *lines, class_="choices")
    words = tag("div", *texts, listed, verdict(id=each.id) if each.id else None, class_="said")
    return tag("li", words, _chances(each))


def _choice(each: ChoicePrediction, place: int) -> Html:
    word = None
    if place == each.gold:
        word = tag("b", " ✓ ", both("right", "正确"))
    elif place == each.predicted:
        word = tag("b", " ✗ ", both("chosen", "所选"))
    return tag("li", quoted(each.choices[place]), word, class_=_kind(each, place))


def _chances(each: ChoicePrediction) -> Html | None:
    if not each.probabilities:
        return None
    return chances(
        [
            (f"{place + 1} {each.choices[place]}", chance, _kind(each, place))
            for place, chance in enumerate(each.probabilities)
        ]
    )


def _kind(each: ChoicePrediction, place: int) -> str | None:
    if place == each.gold:
        return "gold"
    return "wrong" if place == each.predicted else None
