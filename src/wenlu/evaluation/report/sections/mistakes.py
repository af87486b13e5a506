"""Single texts: the surest mistakes and the nearest misses."""

from collections.abc import Callable

from wenlu.evaluation.numerals import percent, whole
from wenlu.evaluation.report.facts import Facts
from wenlu.evaluation.report.markup import Html, both, chinese, empty, join, quoted, tag
from wenlu.evaluation.run_files import Prediction

WORST, NEAREST = 30, 15
"""How many of each are shown."""
OPEN = 10
"""So many of them without a click."""
SHORT, LONG = 160, 2000
"""Characters of a text that are shown, without a click and at most."""


def mistakes(facts: Facts) -> Html:
    """The texts that teach most: wrong though sure, and wrong by a hair."""
    if not facts.rated:
        return empty("No dev predictions with gold labels yet.")
    wrong = [each for each in facts.rated if each.gold != each.predicted]
    if not wrong:
        return empty("No mistakes.")
    said = tag(
        "p",
        f"{whole(len(wrong))} of {whole(len(facts.rated))} texts were labelled wrongly. ",
        "The surest mistakes are worth reading first: the gold label itself may be wrong. ",
        chinese("最有把握的误判最值得先看：可能是标注本身有误。"),
        class_="hint",
    )
    sure = sorted(wrong, key=lambda each: -(each.confidence or 0.0))[:WORST]
    parts: list[Html | None] = [
        said,
        tag("h3", both("Surest mistakes", "最有把握的误判")),
        _list(facts, sure),
    ]
    near = sorted((each for each in wrong if each.gold in each.probabilities), key=_margin)[
        :NEAREST
    ]
    if near:
        parts += [tag("h3", both("Nearest misses", "一步之差")), _list(facts, near)]
    return join(parts)


def _margin(each: Prediction) -> float:
    """How far the gold label stands behind the predicted one."""
    return (each.confidence or 0.0) - each.probabilities[str(each.gold)]


def _list(facts: Facts, chosen: list[Prediction]) -> Html:
    show: Callable[[Prediction], Html] = lambda each: _mistake(facts, each)  # noqa: E731
    first = tag("ol", *map(show, chosen[:OPEN]), class_="mistakes")
    rest = chosen[OPEN:]
    if not rest:
        return first
    more = tag("ol", *map(show, rest), class_="mistakes", start=OPEN + 1)
    return join([first, tag("details", tag("summary", both(f"{len(rest)} more", "更多")), more)])


def _mistake(facts: Facts, each: Prediction) -> Html:
    verdict = tag(
        "p",
        tag(
            "span",
            both("gold", "真实"),
            " ",
            tag("b", quoted(facts.name(each.gold))),
            class_="gold",
        ),
        tag(
            "span",
            both("predicted", "预测"),
            " ",
            tag("b", quoted(facts.name(each.predicted))),
            class_="wrong",
        ),
        tag("small", "id ", quoted(each.id)) if each.id else None,
        class_="verdict",
    )
    words = tag("div", *(_text(text) for text in each.texts), verdict, class_="said")
    return tag("li", words, _chances(facts, each))


def _text(text: str) -> Html:
    if len(text) <= SHORT:
        return tag("p", quoted(text), class_="text")
    whole_text = text if len(text) <= LONG else f"{text[:LONG]}…"
    summary = tag("summary", quoted(text[:SHORT]), "…")
    return tag("details", summary, tag("p", quoted(whole_text)), class_="text")


def _chances(facts: Facts, each: Prediction) -> Html | None:
    if not each.probabilities:
        return None
    ranked = sorted(each.probabilities.items(), key=lambda pair: -pair[1])[:5]
    if each.gold and each.gold not in dict(ranked) and each.gold in each.probabilities:
        ranked[-1] = each.gold, each.probabilities[each.gold]
    rows = []
    for label, chance in ranked:
        kind = "gold" if label == each.gold else "wrong" if label == each.predicted else None
        rows.append(
            tag(
                "tr",
                tag("th", quoted(facts.name(label)), scope="row", title=facts.name(label)),
                tag("td", tag("i", class_="bar", style=f"width:{100 * chance:.1f}%")),
                tag("td", percent(chance, 1), class_="n"),
                class_=kind,
            )
        )
    return tag("table", tag("tbody", *rows), class_="chances", aria_label="Probabilities")
