"""Multiple choice: decoding, the assignment, scores, files that are handed in."""

import json
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from wenlu.errors import ConfigError, DataError
from wenlu.evaluation.counting import values
from wenlu.models import Scored
from wenlu.tasks import Task
from wenlu.tasks.choices import Choice, Question, assign
from wenlu.tasks.clue import C3, CHID
from wenlu.tasks.examples import hold_out
from wenlu.tasks.run import _chunks
from wenlu.tasks.task import Encoded
from wenlu.training import TextDataset

NOTHING = Encoded(TextDataset([], first_parts=None, targets=None, pad_id=0), 0, 0.0)


def question(name: str, count: int, label: int | None = None, sample: str = "") -> Question:
    choices = tuple(f"选{i}" for i in range(count))
    return Question(name, ("短文", "问题"), label, choices, "短文", sample or name)


def test_they_are_tasks() -> None:
    assert isinstance(C3, Task)
    assert isinstance(CHID, Task)


def scored(*rows: list[float]) -> Scored:
    width = max(map(len, rows))
    return Scored(torch.tensor([[*row, *[-torch.inf] * (width - len(row))] for row in rows]), None)


def test_what_a_question_has_not_is_never_predicted() -> None:
    examples = [question("a", 2), question("b", 4)]
    found = C3.collect(scored([-5.0, -4.0], [0.0, 3.0, 2.0, 1.0]))
    first, second = C3.decode(found, examples, NOTHING)
    assert (first.choice, second.choice) == (1, 1)
    assert len(first.probabilities) == 2
    assert sum(first.probabilities) == pytest.approx(1)
    expected = torch.tensor([0.0, 3.0, 2.0, 1.0], dtype=torch.float64).softmax(0).tolist()
    assert second.probabilities == pytest.approx(expected)


# the assignment


def test_the_assignment_of_the_description() -> None:
    scores = [np.array([5.0, 4, 1]), np.array([6.0, 3, 2])]
    assert assign(scores) == [1, 0]
    assert sum(row[c] for row, c in zip(scores, assign(scores), strict=True)) == 10
    assert [int(np.argmax(row)) for row in scores] == [0, 0]


def matrices(rows: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
    numbers = st.floats(-100, 100, width=32)
    shapes = st.tuples(rows, st.integers(1, 5))
    return shapes.flatmap(lambda s: arrays.arrays(np.float64, s, elements=numbers))


@given(matrices(st.integers(1, 5)))
def test_the_assignment_is_the_best_of_all(scores: Any) -> None:  # noqa: ANN401
    count, choices = scores.shape
    found = assign(list(scores))
    if count > choices:
        assert found == scores.argmax(1).tolist()
        return
    assert len(set(found)) == count
    best = max(
        sum(scores[row, choice] for row, choice in enumerate(order))
        for order in permutations(range(choices), count)
    )
    assert sum(scores[row, choice] for row, choice in enumerate(found)) == pytest.approx(best)


@given(matrices(st.integers(1, 4)), st.integers(0, 2**16))
def test_constants_of_a_question_change_nothing(scores: Any, seed: int) -> None:  # noqa: ANN401
    """So raw scores and log-probabilities, which differ by such constants, give the same."""
    if scores.shape[0] > scores.shape[1]:
        return
    random = np.random.default_rng(seed)
    distinct = scores + random.normal(size=scores.shape)  # no ties
    logs = torch.tensor(distinct).log_softmax(-1).numpy()
    assert assign(list(distinct)) == assign(list(logs))


def test_samples_are_answered_together_and_each_by_itself() -> None:
    examples = [
        question("1", 3, 1, "甲"),
        question("2", 3, 0, "甲"),
        question("3", 3, 0, "乙"),
        question("4", 2, 0, "丙"),
        question("5", 2, 0, "丙"),
        question("6", 2, 0, "丙"),
    ]
    rows = [[5.0, 4, 1], [6.0, 3, 2], [6.0, 3, 2], [2.0, 1], [2.0, 1], [2.0, 1]]
    predictions = CHID.decode(CHID.collect(scored(*rows)), examples, NOTHING)
    assert [p.choice for p in predictions] == [1, 0, 0, 0, 0, 0]  # 丙 has more than candidates
    assert values(CHID.score(examples, predictions)) == {"accuracy": 1, "accuracy_alone": 5 / 6}
    alone = C3.decode(C3.collect(scored(*rows)), examples, NOTHING)
    assert [p.choice for p in alone] == [0] * 6
    assert values(C3.score(examples, alone)) == {"accuracy": 5 / 6}


def test_of_equal_choices_the_first_is_predicted() -> None:
    examples = [Question(name, ("文",), 0, ("甲", "甲", "乙"), "", "一") for name in ("1", "2")]
    rows = scored([3.0, 3.0, 0.0], [3.0, 3.0, 0.0])
    assert [p.choice for p in CHID.decode(CHID.collect(rows), examples, NOTHING)] == [0, 0]
    rows = scored([3.0, 3.0001, 0.0], [0.0, 3.0001, 3.1])
    assert [p.choice for p in C3.decode(C3.collect(rows), examples, NOTHING)] == [0, 2]


def test_a_sample_is_never_cut_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wenlu.tasks.run._CHUNK", 3)
    names = "aabbbbbcdee"
    examples = [replace(question(str(i), 2), passage=name) for i, name in enumerate(names)]
    ends = _chunks(examples)
    assert ends == [0, 7, 11]
    assert _chunks([]) == [0]
    first, second = hold_out(examples, 0.3, seed=0)
    assert {e.passage for e in first}.isdisjoint(e.passage for e in second)


# handing in


def predictions(*choices: int) -> list[Choice]:
    return [Choice(str(i), c, (0.25,) * 4) for i, c in enumerate(choices)]


def test_a_line_each(tmp_path: Path) -> None:
    path, examples = tmp_path / "c3.json", [question(str(i), 4) for i in range(3)]
    C3.submission(examples, predictions(2, 0, 3), path)
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert lines == [
        {"id": "0", "label": "2"},
        {"id": "1", "label": "0"},
        {"id": "2", "label": "3"},
    ]
    C3.check_submission(path, examples)


def test_one_object(tmp_path: Path) -> None:
    path, examples = tmp_path / "chid.json", [question(str(i), 4) for i in range(3)]
    CHID.submission(examples, predictions(2, 0, 3), path)
    assert json.loads(path.read_text("utf-8")) == {"0": 2, "1": 0, "2": 3}
    CHID.check_submission(path, examples)
    path.write_text('{"2": 3, "0": 2, "1": 0}')  # an object has no order
    CHID.check_submission(path, examples)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"id": "0", "label": "1"}', "1 answers for 2 questions"),
        ('{"id": "0", "label": "1"}\n{"id": "2", "label": "1"}', "line 2.*'2' stands where the"),
        ('{"id": "0", "label": "4"}\n{"id": "1", "label": "1"}', "line 1.*'4' came for '0'; it"),
        ('{"id": "0", "label": 1}\n{"id": "1", "label": "1"}', "1 came for '0'; it must be one"),
        ('{"id": "0"}\n{"id": "1", "label": "1"}', "None came for '0'"),
        ("[]\n[]", "line 1: not a JSON object"),
        ("{", "line 1: not a JSON object"),
    ],
)
def test_lines_that_will_not_do(content: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "c3.json"
    path.write_text(content)
    with pytest.raises(DataError, match=problem):
        C3.check_submission(path, [question("0", 4), question("1", 4)])


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"0": 1}', "1 answers for 2 questions"),
        ('{"0": 1, "2": 1}', "'2' stands where the test file has '1'"),
        ('{"0": 1, "1": 4}', r"4 came for '1'; it must be one of \[0, 1, 2, 3\]"),
        ('{"0": 1, "1": "1"}', "'1' came for '1'"),
        ('{"0": 1, "1": true}', "True came for '1'"),
        ("[1, 1]", "not a JSON object"),
    ],
)
def test_objects_that_will_not_do(content: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "chid.json"
    path.write_text(content)
    with pytest.raises(DataError, match=problem):
        CHID.check_submission(path, [question("0", 4), question("1", 4)])


# for people and programs


def test_what_is_said_of_a_prediction() -> None:
    example = question("7", 4, 2)
    prediction = Choice("7", 3, (0.5, 0.3, 0.15, 0.05))
    assert C3.compared(example, prediction) == {
        "id": "7",
        "texts": ["短文", "问题"],
        "choices": ["选0", "选1", "选2", "选3"],
        "gold": 2,
        "predicted": 3,
        "probabilities": [0.5, 0.3, 0.15, 0.05],
    }
    found = C3.record(example, prediction)
    assert (found["choice"], found["answer"], found["probability"]) == (3, "选3", 0.05)
    assert (found["text"], found["question"]) == ("短文", "问题")
    # What was chosen comes first, though it is not the likeliest.
    assert C3.told(example, prediction) == "短文 | 问题\n    选3 5.0%  选0 50.0%  选1 30.0%"


def test_typed_questions() -> None:
    [found] = C3.typed([("他走了。", "谁走了？", "他| 她 |我")])
    assert found.choices == ("他", "她", "我")
    assert (found.texts, found.label) == (("他走了。", "谁走了？"), None)


@pytest.mark.parametrize(
    ("choices", "problem"),
    [
        ("他", "there must be two choices or more; got 1"),
        ("他|", "a choice is empty"),
        ("他||她", "a choice is empty"),
        ("|", "a choice is empty"),
    ],
)
def test_typed_questions_that_will_not_do(choices: str, problem: str) -> None:
    with pytest.raises(DataError) as caught:
        C3.typed([("他走了。", "谁走了？", "他|她"), ("他走了。", "谁走了？", choices)])
    expected = f"question 1 has the choices '{choices}': {problem}. Give two or more, with '|' betw"
    assert str(caught.value).startswith(expected)


def test_arrangements_have_names() -> None:
    other = CHID.with_head("text-first")
    assert CHID.restored(other.saved()) == other != CHID
    with pytest.raises(ConfigError, match="chid has no head 'text'; it has idiom-first, text-fi"):
        CHID.with_head("text")
    assert CHID.restored(CHID.saved()) == CHID
