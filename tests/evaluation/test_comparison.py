import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from wenlu.errors import ConfigError, DataError
from wenlu.evaluation.comparison import compare, compare_runs, mcnemar
from wenlu.evaluation.counting import Counted, macro_f1_score, mean_score


@pytest.mark.parametrize(("one", "other"), [(0, 0), (0, 5), (3, 9), (7, 7), (40, 61), (900, 800)])
def test_mcnemar_is_the_binomial_test_of_scipy(one: int, other: int) -> None:
    known = binomtest(one, one + other).pvalue if one + other else 1.0
    assert mcnemar(one, other) == pytest.approx(known)


def test_shares_of_the_same_examples() -> None:
    first, second = mean_score([1, 1, 0, 0] * 50), mean_score([1, 1, 1, 0] * 50)
    found = compare(first, second)
    assert (found.first, found.second, found.difference) == (0.5, 0.75, 0.25)
    assert found.test == "McNemar"
    assert found.p_value == pytest.approx(binomtest(0, 50).pvalue)
    assert 0 < found.low < 0.25 < found.high


def test_the_interval_is_that_of_a_paired_mean() -> None:
    chance = np.random.default_rng(0)
    worth = chance.random(400)
    better = worth + 0.02 * chance.standard_normal(400) + 0.01
    found = compare(mean_score(worth.tolist()), mean_score(better.tolist()))
    error = (better - worth).std() / 20
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)
    assert found.test == "bootstrap"
    assert found.p_value < 0.01


def test_a_score_does_not_differ_from_itself() -> None:
    score = macro_f1_score([[("甲", "")], [("乙", "")]] * 9, [[("甲", "")], [("甲", "")]] * 9)
    found = compare(score, score)
    assert (found.difference, found.low, found.high, found.p_value) == (0, 0, 0, 1)


def test_only_the_same_score_of_the_same_examples_is_compared() -> None:
    with pytest.raises(DataError, match="the same score of the same examples"):
        compare(mean_score([1.0]), mean_score([1.0, 0.0]))
    with pytest.raises(DataError, match="f1 with counts"):
        compare(mean_score([1.0]), Counted("f1", np.zeros((1, 2))))
    with pytest.raises(ConfigError, match="between 0 and 1"):
        compare(mean_score([1.0]), mean_score([1.0]), confidence=95)


def write_run(folder: Path, right: dict[str, int], formula: str | None = "ratio") -> Path:
    folder.mkdir()
    rows = [{"id": id_, "predicted": "甲", "counts": [found, 1]} for id_, found in right.items()]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "dev.predictions.jsonl").write_text(text, "utf-8")
    result = {"kind": "labels", "counted": {"formula": formula}}
    (folder / "result.json").write_text(json.dumps(result), "utf-8")
    return folder


def test_runs_are_compared_example_by_example_whatever_their_order(tmp_path: Path) -> None:
    first = write_run(tmp_path / "first", {"1": 1, "2": 0, "3": 0})
    second = write_run(tmp_path / "second", {"3": 1, "2": 0, "1": 1})
    found = compare_runs(first, second)
    assert (found.first, found.second) == (1 / 3, 2 / 3)
    assert found.p_value == 1.0


def test_runs_that_cannot_be_compared(tmp_path: Path) -> None:
    first = write_run(tmp_path / "first", {"1": 1, "2": 0})
    with pytest.raises(DataError, match="differ in their dev set"):
        compare_runs(first, write_run(tmp_path / "other", {"1": 1, "3": 0}))
    with pytest.raises(DataError, match="no counts of each example"):
        compare_runs(first, write_run(tmp_path / "old", {"1": 1, "2": 0}, formula=None))
