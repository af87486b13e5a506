"""Single texts with labels: the surest mistakes and the nearest misses."""

from wenlu.evaluation.numerals import whole
from wenlu.evaluation.predictions import Prediction
from wenlu.evaluation.report.examples import (
    NEAREST,
    WORST,
    chances,
    example_list,
    gold_words,
    predicted_words,
    shown_text,
    verdict,
)
from wenlu.evaluation.report.facts import Facts
from wenlu.evaluation.report.markup import Html, both, chinese, empty, join, quoted, tag


def mistakes(facts: Facts) -> Html:
    """The texts that teach most: wrong though sure, and wrong by a hair."""
    if not facts.rated:
        return empty("No dev predictions with gold labels yet.")
    wrong = [each for each in facts.rated if not each.right]
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
    return example_list(chosen, lambda each: _mistake(facts, each))


def _mistake(facts: Facts, each: Prediction) -> Html:
    told = verdict(
        gold_words(quoted(facts.name(each.gold))),
        predicted_words(quoted(facts.name(each.predicted))),
        id=each.id,
    )
    words = tag("div", *map(shown_text, each.texts), told, class_="said")
    return tag("li", words, _chances(facts, each))


def _chances(facts: Facts, each: Prediction) -> Html | None:
    if not each.probabilities:
        return None
    ranked = sorted(each.probabilities.items(), key=lambda pair: -pair[1])[:5]
    if each.gold and each.gold not in dict(ranked) and each.gold in each.probabilities:
        ranked[-1] = each.gold, each.probabilities[each.gold]
    kinds = {each.predicted: "wrong", each.gold: "gold"}
    return chances([(facts.name(label), chance, kinds.get(label)) for label, chance in ranked])
