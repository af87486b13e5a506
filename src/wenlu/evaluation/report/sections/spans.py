"""Spans: how well each type is found, what is taken for what, and the texts themselves."""

from collections.abc import Sequence

from wenlu.evaluation.matching import Match, shifted
from wenlu.evaluation.numerals import percent, whole
from wenlu.evaluation.predictions import Span, SpanPrediction
from wenlu.evaluation.report.examples import WORST, example_list, verdict
from wenlu.evaluation.report.facts import Facts
from wenlu.evaluation.report.highlights import Mark, legend, marked_text
from wenlu.evaluation.report.markup import Html, both, chinese, empty, join, tag
from wenlu.evaluation.report.score_table import counts_of, mix_ups, score_table

SIGNS = {"missed": "− ", "surplus": "+ "}
"""What stands before the type of a span, so that its colour is not all that tells."""

Rated = tuple[SpanPrediction, list[Match[Span]]]


def types(facts: Facts) -> Html:
    """Where the mistakes lie, and a table of the types."""
    return join([_account(facts), score_table(facts, ("Type", "类型"))])


def types_mixed_up(facts: Facts) -> Html:
    """The matrix of types."""
    same = ("The same place in the text with another type.", "同一位置的不同类型；")
    return mix_ups(facts, ("types", "类型"), same, lambda span: span.text)


def span_texts(facts: Facts) -> Html:
    """The texts with most mistakes, each with its spans in it."""
    rated = [(each, found) for each, found in facts.matches if isinstance(each, SpanPrediction)]
    if not rated:
        return empty("No dev predictions with gold spans yet.")
    wrong = [each for each in rated if mistakes_in(each[1])]
    if not wrong:
        return empty("No mistakes.")
    wrong.sort(key=lambda each: (-mistakes_in(each[1]), counts_of(each[1])["found"]))
    said = tag(
        "p",
        f"{whole(len(wrong))} of {whole(len(rated))} texts have a mistake in them; those with most "
        "come first. ",
        chinese("错误最多的文本排在最前。"),
        class_="hint",
    )
    signs = legend(wrong="another type: gold → predicted", in_chinese="类型错误：真实 → 预测")
    return join([said, signs, example_list(wrong[:WORST], lambda each: _text(facts, each))])


def mistakes_in(matches: Sequence[Match[Span]]) -> int:
    """Missed and surplus spans; one of another type is both."""
    counts = counts_of(list(matches))
    return counts["missed"] + counts["surplus"] + 2 * counts["wrong"]


def _account(facts: Facts) -> Html | None:
    """What became of the gold spans, in a sentence."""
    if not facts.tallies:
        return None
    counts = counts_of([each for _, matches in facts.matches for each in matches])
    gold = sum(each.gold for each in facts.tallies.values())
    moved = sum(shifted(matches) for _, matches in facts.matches)
    share = f" ({percent(counts['found'] / gold, 1)})" if gold else ""
    return tag(
        "p",
        f"Of {whole(gold)} gold spans ",
        tag("b", f"{whole(counts['found'])} were found"),
        f"{share}, {whole(counts['wrong'])} got another type, {whole(moved)} other bounds, and "
        f"{whole(counts['missed'] - moved)} were missed. {whole(counts['surplus'] - moved)} more "
        "predicted spans have no counterpart. ",
        chinese("即：找到、类型错误、边界错误、漏掉，以及多余的片段。"),
        class_="hint",
    )


def _text(facts: Facts, rated: Rated) -> Html:
    each, matches = rated
    counts = counts_of(matches)
    names = (("found", "找到"), ("missed", "漏掉"), ("surplus", "多余"), ("wrong", "类型错误"))
    told = [
        tag("span", f"{counts[kind]} ", both("another type" if kind == "wrong" else kind, name))
        for kind, name in names
        if counts[kind]
    ]
    marks = [_mark(facts, match) for match in matches]
    words = tag("div", marked_text(each.text, marks), verdict(*told, id=each.id), class_="said")
    return tag("li", words, class_="wide")


def _mark(facts: Facts, match: Match[Span]) -> Mark:
    span = match.piece
    label = SIGNS.get(match.verdict, "") + facts.name(span.label)
    if match.verdict == "wrong" and match.predicted is not None:
        other = match.predicted
        same_event = other.type == span.type and other.role
        label = f"{label} → {other.role if same_event else facts.name(other.label)}"
    return Mark(match.verdict, label, span.text, span.start, span.end)
