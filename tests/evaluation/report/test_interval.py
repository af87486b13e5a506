import random

import pytest

from wenlu.evaluation.predictions import AnswerPrediction, AnyPrediction, Span, SpanPrediction
from wenlu.evaluation.report.interval import resampled_interval


def texts(count: int = 80) -> list[AnyPrediction]:
    chance = random.Random(3)
    found: list[AnyPrediction] = []
    for _ in range(count):
        gold = tuple(
            Span(chance.choice("abc"), f"w{k % 3}", 2 * k, 2 * k + 2)
            for k in range(chance.randrange(6))
        )
        said = tuple(
            Span(chance.choice([each.type, "a"]), each.text, each.start, each.end)
            for each in gold
            if chance.random() < 0.8
        )
        found.append(SpanPrediction("字" * 12, gold, said))
    return found


def pieces(each: AnyPrediction, *, by_text: bool) -> tuple[set[object], set[object]]:
    assert isinstance(each, SpanPrediction)
    gold, said = (
        {(s.type, s.text if by_text else s.place) for s in spans}
        for spans in (each.gold or (), each.predicted)
    )
    return gold, said


def f1(rows: list[AnyPrediction], kind: str | None = None, *, by_text: bool = False) -> float:
    found = total = 0
    for each in rows:
        gold, said = pieces(each, by_text=by_text)
        if kind is not None:
            gold, said = ({p for p in part if p[0] == kind} for part in (gold, said))  # type: ignore[index]
        found, total = found + len(gold & said), total + len(gold) + len(said)
    return 2 * found / total if total else 0.0


@pytest.mark.parametrize("by_text", [False, True])
@pytest.mark.parametrize("macro", [False, True])
@pytest.mark.parametrize("rounded", [False, True])
def test_an_f1_that_is_worked_out_again_has_an_interval(
    by_text: bool, macro: bool, rounded: bool
) -> None:
    rows = texts()
    each = [f1(rows, kind, by_text=by_text) for kind in "abc"]
    value = sum(each) / 3 if macro else f1(rows, by_text=by_text)
    value = round(value, 4) if rounded else value
    found = resampled_interval("macro_f1" if macro else "f1", value, rows, ["a", "b", "c"])
    assert found is not None
    assert found[0] < value < found[1]
    assert 0.03 < found[1] - found[0] < 0.2


def test_a_listed_type_that_never_occurs_counts_where_the_score_counts_it() -> None:
    rows = texts()
    value = sum(f1(rows, kind) for kind in "abc") / 4
    assert resampled_interval("macro_f1", value, rows, ["a", "b", "c", "d"]) is not None
    assert resampled_interval("macro_f1", value, rows, ["a", "b", "c"]) is None


def test_a_score_of_another_kind_has_none() -> None:
    rows = texts()
    assert resampled_interval("f1", f1(rows) + 0.001, rows, []) is None
    assert resampled_interval("spearman", f1(rows), rows, []) is None
    assert resampled_interval("f1", 0.5, [], []) is None


def test_a_mean_over_questions_is_worked_out_from_their_scores() -> None:
    rows: list[AnyPrediction] = [
        AnswerPrediction("q", "c", ("a",), "b", scores={"f1": k / 40}) for k in range(41)
    ]
    low, high = resampled_interval("f1", 0.5, rows, []) or (0.0, 0.0)
    assert low < 0.5 < high
    assert resampled_interval("exact_match", 0.5, rows, []) is None
