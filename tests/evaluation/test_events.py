"""Worked by hand, and held to an independent implementation that counts character by character."""

import random
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.evaluation.events import Argument, argument_score, character_f1


def said(text: str, *more: str, role: str = "时间", kind: str = "人生-结婚") -> Argument:
    return Argument(kind, role, (text, *more))


def score(gold: list[Argument], predicted: list[Argument]) -> tuple[float, float, float]:
    found = argument_score([gold], [predicted])
    return found.precision, found.recall, found.f1


def test_part_of_an_argument() -> None:
    """All of it is right, and four of six characters of the gold argument."""
    assert character_f1("9月9日上午", "9月9日") == pytest.approx(0.8)
    found = score([said("9月9日上午")], [said("9月9日")])
    assert found == (pytest.approx(0.8), pytest.approx(0.8), pytest.approx(0.8))


def test_a_wrong_role_or_type_scores_nothing() -> None:
    assert score([said("9月9日上午")], [said("9月9日上午", role="结婚双方")]) == (0, 0, 0)
    assert score([said("9月9日上午")], [said("9月9日上午", kind="人生-离婚")]) == (0, 0, 0)


def test_characters_count_as_often_as_both_have_them() -> None:
    assert character_f1("哈哈哈", "哈") == pytest.approx(2 * 1 / (1 + 3))
    assert character_f1("张三", "三张") == 1.0
    assert character_f1("NBA总决赛", "nba总决赛") == 1.0
    assert character_f1("甲", "乙") == 0.0
    assert character_f1("", "") == 0.0


def test_the_best_mention_counts() -> None:
    found = score([said("阿里巴巴集团", "阿里")], [said("阿里")])
    assert found == (1.0, 1.0, 1.0)


def test_a_gold_argument_is_given_once_and_the_best_prediction_has_it() -> None:
    precision, recall, _ = score([said("9月9日上午")], [said("9月9日"), said("9月9日上午")])
    assert (precision, recall) == (0.5, 1.0)
    precision, recall, _ = score([said("今天"), said("今天")], [said("今天")])
    assert (precision, recall) == (1.0, 0.5)
    assert score([said("今天"), said("今天")], [said("今天"), said("今天")]) == (1.0, 1.0, 1.0)


def test_arguments_of_other_texts_are_not_looked_at() -> None:
    found = argument_score([[said("今天")], [said("明天")]], [[said("明")], [said("今天")]])
    assert found.total == pytest.approx(character_f1("明天", "今天"))
    assert (found.gold, found.predicted) == (2, 2)


def test_nothing_predicted_or_nothing_to_find() -> None:
    assert score([said("今天")], []) == (0.0, 0.0, 0.0)
    assert score([], [said("今天")]) == (0.0, 0.0, 0.0)
    assert argument_score([], []).f1 == 0.0


def by_hand(gold: list[Argument], predicted: list[Argument]) -> float:
    """The sum of scores, looking for the best pair that is left again and again."""
    gold, predicted, total = list(gold), list(predicted), 0.0
    while True:
        best, pair = 0.0, None
        for p in predicted:
            for g in gold:
                if (p.event_type, p.role) != (g.event_type, g.role):
                    continue
                for mention in g.mentions:
                    left, common = list(mention.lower()), 0
                    for character in p.mentions[0].lower():
                        if character in left:
                            left.remove(character)
                            common += 1
                    if not common:
                        continue
                    share_p = common / len(p.mentions[0].lower())
                    share_g = common / len(mention.lower())
                    value = 2 * share_p * share_g / (share_p + share_g)
                    if value > best + 1e-12:
                        best, pair = value, (p, g)
        if pair is None:
            return total
        total += best
        predicted.remove(pair[0])
        gold.remove(pair[1])


TEXTS = st.text("甲乙Aaİ九", min_size=1, max_size=4)
GOLD = st.builds(
    Argument,
    st.sampled_from(["一", "二"]),
    st.sampled_from(["时间", "双方"]),
    st.lists(TEXTS, min_size=1, max_size=2).map(tuple),
)
SAID = st.builds(
    Argument, st.sampled_from(["一", "二"]), st.sampled_from(["时间", "双方"]), st.tuples(TEXTS)
)


@given(st.lists(GOLD, max_size=5), st.lists(SAID, max_size=5))
def test_as_worked_out_one_by_one(gold: list[Argument], predicted: list[Argument]) -> None:
    found = argument_score([gold], [predicted])
    assert found.total == pytest.approx(by_hand(gold, predicted), abs=1e-9)
    assert 0.0 <= found.total <= min(len(gold), len(predicted)) + 1e-9
    assert 0.0 <= found.f1 <= 1.0
    # No assignment is better than the best of all, and greedy gets at least half of it.
    best = best_assignment(gold, predicted)
    assert best / 2 - 1e-9 <= found.total <= best + 1e-9


def best_assignment(gold: list[Argument], predicted: list[Argument]) -> float:
    few, many = sorted((gold, predicted), key=len)
    return max(
        sum(
            max(character_f1(x, y) for x in a.mentions for y in b.mentions)
            for a, b in zip(few, order, strict=True)
            if a[:2] == b[:2]
        )
        for order in permutations(many, len(few))
    )


@given(st.lists(GOLD, max_size=6), st.integers(0, 3))
def test_the_gold_arguments_themselves_are_all_right(gold: list[Argument], seed: int) -> None:
    gold = [argument._replace(mentions=argument.mentions[:1]) for argument in gold]
    predicted = random.Random(seed).sample(gold, len(gold))
    assert argument_score([gold], [predicted]).total == pytest.approx(len(gold))
