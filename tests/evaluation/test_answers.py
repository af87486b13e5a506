from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.errors import DataError
from wenlu.evaluation.answers import CMRC, DUREADER, AnswerMetric, stretch_f1

answers = st.text("买入并持有abAB .,，。…·-=1", max_size=10)
metrics = pytest.mark.parametrize("metric", [CMRC, DUREADER])
SHORT, LONG = "买入并持有美国股票这样的普通组合", "其实就是买入并持有美国股票这样的普通组合"


@metrics
def test_the_published_examples(metric: AnswerMetric) -> None:
    gold = ["买入并持有美国股票"]
    assert metric.f1(gold, "其实就是买入并持有") == pytest.approx(5 / 9)
    assert not metric.exact_match(gold, "其实就是买入并持有")
    assert metric.exact_match(gold, "买入并持有美国股票。")
    assert metric.f1(gold, "买入并持有美国股票。") == 1
    assert metric.f1([LONG, SHORT], gold[0]) == pytest.approx(0.72)


def longest_common(first: list[str], second: list[str]) -> int:
    """By looking at all stretches."""
    stretches = [tuple(first[a:b]) for a, b in combinations(range(len(first) + 1), 2)]
    other = {tuple(second[a:b]) for a, b in combinations(range(len(second) + 1), 2)}
    return max((len(stretch) for stretch in stretches if stretch in other), default=0)


@given(st.lists(st.sampled_from("abc"), max_size=8), st.lists(st.sampled_from("abc"), max_size=8))
def test_f1_is_of_the_longest_common_stretch(first: list[str], second: list[str]) -> None:
    common = longest_common(first, second)
    wanted = 2 * common / (len(first) + len(second)) if common else 0.0
    assert stretch_f1(first, second) == pytest.approx(wanted)
    assert stretch_f1(second, first) == pytest.approx(wanted)


@metrics
@given(st.lists(answers, min_size=1, max_size=3), answers)
def test_scores_are_those_of_the_nearest_reference(
    metric: AnswerMetric, references: list[str], answer: str
) -> None:
    f1 = metric.f1(references, answer)
    assert 0 <= f1 <= 1
    assert f1 == max(metric.f1([reference], answer) for reference in references)
    exact = metric.exact_match(references, answer)
    assert exact == any(metric.exact_match([reference], answer) for reference in references)
    if exact:
        assert f1 == float(bool(metric.cut(metric.plain(answer))))


@metrics
@given(answers)
def test_case_and_punctuation_do_not_count(metric: AnswerMetric, answer: str) -> None:
    assert metric.exact_match([answer], answer.upper())
    assert metric.exact_match([answer], "".join(f"《{c}，" for c in answer) + "。") or (
        answer != answer.strip()  # CMRC strips before it removes the punctuation
    )


@pytest.mark.parametrize(
    ("first", "second", "cmrc", "dureader"),
    [
        ("是…", "是", False, False),  # "……" in the lists never equals one character
        ("是.", "是", False, False),
        ("2,000", "2000", False, True),
        ("a-b", "ab", True, False),
        ("a=b", "ab", True, False),
        ("（一）", "(一)", False, True),
        (" 一", "一", True, False),
        ("一 二", "一二", False, False),
        ("İ", "i̇", True, True),
    ],
)
def test_what_counts(first: str, second: str, cmrc: bool, dureader: bool) -> None:
    assert CMRC.exact_match([first], second) is cmrc
    assert DUREADER.exact_match([first], second) is dureader


def test_units() -> None:
    assert CMRC.cut("于2005年 on May 1, 2005.") == [
        *("于", "2005", "年", "on", "May", "1", ",", "2005", ".")
    ]
    assert CMRC.cut("㐀龥龦") == [
        "㐀",
        "龥",
        "龦",
    ]  # only U+4E00 to U+9FA5 stand alone, the rest is words
    assert CMRC.cut("龦龦") == ["龦龦"]
    assert DUREADER.cut("于2005年 a b=𠮷龦") == ["于", "2005", "年", " a b", "=", "𠮷", "龦"]


@metrics
def test_a_missing_answer_scores_nothing(metric: AnswerMetric) -> None:
    assert metric.f1(["买入"], "") == 0
    assert not metric.exact_match(["买入"], "")


@metrics
def test_there_must_be_a_reference(metric: AnswerMetric) -> None:
    with pytest.raises(DataError, match="at least one reference"):
        metric.f1([], "买入")
    with pytest.raises(DataError, match="at least one reference"):
        metric.exact_match([], "买入")
