import random

import numpy as np
import pytest
from sklearn.metrics import f1_score

from wenlu.evaluation import accuracy, macro_f1, wilson_interval
from wenlu.evaluation.counting import Counted, macro_f1_score, mean_score, piece_scores


def labels(count: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    return [chance.choice("甲乙丙丁") for _ in range(count)]


def alone(words: list[str]) -> list[list[tuple[str, str]]]:
    return [[(word, "")] for word in words]


def test_a_share_is_the_accuracy_with_wilsons_interval() -> None:
    gold, said = labels(60, 1), labels(60, 2)
    score = mean_score([a == b for a, b in zip(gold, said, strict=True)])
    assert score.value == accuracy(gold, said)
    assert score.share == (round(60 * score.value), 60)
    assert score.interval() == wilson_interval(*score.share)


def test_macro_f1_is_that_of_sklearn_over_the_labels_that_occur() -> None:
    gold, said = labels(60, 1), ["戊", *labels(59, 2)]
    score = macro_f1_score(alone(gold), alone(said))
    assert score.value == macro_f1(gold, said)
    assert score.value == pytest.approx(f1_score(gold, said, average="macro", zero_division=0))
    low, high = score.interval()
    assert low < score.value < high


def test_macro_f1_over_given_labels_counts_those_that_never_occur() -> None:
    gold, said = alone(labels(60, 1)), alone(labels(60, 2))
    four, five = (macro_f1_score(gold, said, known).value for known in ("甲乙丙丁", "甲乙丙丁戊"))
    assert five == pytest.approx(four * 4 / 5)


def test_f1_over_pieces_counts_each_once_a_text() -> None:
    scores = piece_scores([["a", "b"], ["c"]], [["a", "a", "x"], []])
    assert {name: score.value for name, score in scores.items()} == {
        "f1": 2 / 5,
        "precision": 1 / 2,
        "recall": 1 / 3,
    }
    assert scores["f1"].counts.tolist() == [[1, 2, 2], [0, 1, 0]]


def test_a_ratio_without_a_denominator_is_0() -> None:
    nothing = {name: score.value for name, score in piece_scores([[]], [[]]).items()}
    assert nothing == {"f1": 0, "precision": 0, "recall": 0}
    assert macro_f1_score([[]], [[]], ["甲"]).value == 0
    assert macro_f1_score([[]], [[]]).value == 0
    assert Counted("f1_of_ratios", np.zeros((1, 4))).value == 0


def test_a_mean_of_worths_is_no_share() -> None:
    score = mean_score([0.5, 1.0, 0.0])
    assert score.value == 0.5
    assert score.share is None
