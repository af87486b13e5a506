from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.evaluation.predictions import (
    READERS,
    AnswerPrediction,
    AnyPrediction,
    ChoicePrediction,
    Prediction,
    Span,
    SpanPrediction,
    Triple,
    TriplePrediction,
    kind_of,
    read_predictions,
)

LINES: dict[str, dict[str, Any]] = {
    "labels": {"texts": ["文"], "gold": "a", "predicted": "b", "probabilities": {"b": 0.7}},
    "spans": {
        "text": "𠮷野家在北京",
        "gold": [{"start": 4, "end": 6, "type": "地", "text": "北京"}],
        "predicted": [{"start": 0, "end": 3, "type": "店", "text": "𠮷野家", "role": "主体"}],
    },
    "answers": {
        "question": "在哪？",
        "context": "𠮷野家在北京",
        "gold": ["北京", "北京", "在北京"],
        "predicted": {"text": "北京", "start": 4, "end": 6, "score": 7.5},
        "scores": {"exact_match": True, "f1": 1.0},
    },
    "choices": {
        "texts": ["文"],
        "choices": ["甲", "乙"],
        "gold": 0,
        "predicted": 1,
        "probabilities": [0.4, 0.6],
    },
    "relations": {
        "text": "甲由乙写",
        "gold": [{"subject": "甲", "predicate": "作者", "object": {"@value": "乙"}}],
        "predicted": [],
    },
}


def read(kind: str, *rows: dict[str, Any]) -> tuple[tuple[AnyPrediction, ...], list[str]]:
    notes: list[str] = []
    return read_predictions(rows, kind, notes), notes


@pytest.mark.parametrize("kind", LINES)
def test_a_line_of_each_kind(kind: str) -> None:
    assert kind_of(LINES[kind]) == kind
    (found,), notes = read(kind, LINES[kind] | {"id": 7})
    assert found.id == "7"
    assert notes == []
    assert (
        found
        == {
            "labels": Prediction(("文",), "a", "b", {"b": 0.7}, "7"),
            "spans": SpanPrediction(
                "𠮷野家在北京",
                (Span("地", "北京", 4, 6),),
                (Span("店", "𠮷野家", 0, 3, "主体"),),
                "7",
            ),
            "answers": AnswerPrediction(
                "在哪？",
                "𠮷野家在北京",
                ("北京", "在北京"),
                "北京",
                4,
                6,
                7.5,
                {"exact_match": 1.0, "f1": 1.0},
                "7",
            ),
            "choices": ChoicePrediction(("文",), ("甲", "乙"), 0, 1, (0.4, 0.6), "7"),
            "relations": TriplePrediction(
                "甲由乙写", (Triple("甲", "作者", (("@value", "乙"),)),), (), "7"
            ),
        }[kind]
    )


@pytest.mark.parametrize("kind", LINES)
def test_only_the_gold_answer_itself_is_right(kind: str) -> None:
    line = LINES[kind]
    (found,), _ = read(kind, line)
    assert found.right == (kind == "answers")
    (other,), _ = read(kind, line | {"gold": None})
    assert other.gold is None
    assert other.asked != found.asked
    if kind != "answers":
        (exact,), _ = read(kind, line | {"predicted": line["gold"]})
        assert exact.right


def test_answers_without_scores_are_right_if_they_are_one_of_the_gold_ones() -> None:
    line = {key: value for key, value in LINES["answers"].items() if key != "scores"}
    (found, other, none), _ = read(
        "answers", line, line | {"predicted": "京"}, line | {"predicted": None}
    )
    assert isinstance(found, AnswerPrediction)
    assert isinstance(other, AnswerPrediction)
    assert isinstance(none, AnswerPrediction)
    assert (found.right, found.worth) == (True, 1.0)
    assert (other.right, other.worth, other.start) == (False, 0.0, None)
    assert (none.right, none.predicted) == (False, "")


@pytest.mark.parametrize(
    ("span", "words"),
    [
        ({"start": 0, "end": 9, "type": "a"}, "no place inside its text (once)"),
        ({"start": 2, "end": 2, "type": "a"}, "no place inside its text (once)"),
        ({"start": -1, "end": 1, "type": "a"}, "no place inside its text (once)"),
        ({"start": 0.0, "end": 1, "type": "a"}, "no place inside its text (once)"),
        ({"start": True, "end": 2, "type": "a"}, "no place inside its text (once)"),
        ({"start": 0, "end": 1, "type": "a", "text": "b"}, "another text than what stands"),
        ("a", "a span that is no object with a type was left out (once)"),
    ],
)
def test_odd_spans_are_told(span: object, words: str) -> None:
    (found,), (note,) = read("spans", {"text": "甲乙", "gold": [], "predicted": [span]})
    assert words in note
    assert isinstance(found, SpanPrediction)
    assert len(found.predicted) == (span != "a")


def test_relations_may_say_more_than_words() -> None:
    place = {"text": "乙", "start": 2, "end": 3}
    rows = [
        {"subject": {"text": "甲"}, "predicate": "作者", "object": {"@value": place}, "score": 1},
        {"subject": "甲", "predicate": "作者", "object": "乙"},
        {"subject": "甲", "predicate": "作者", "object": place},
        {"subject": "甲", "object": "乙"},
        3,
    ]
    (found,), (note,) = read("relations", {"text": "甲由乙写", "gold": [], "predicted": rows})
    assert isinstance(found, TriplePrediction)
    assert found.predicted == (Triple("甲", "作者", (("@value", "乙"),)),) * 3
    assert "without subject, predicate and object was left out (2 times)" in note


@pytest.mark.parametrize("change", [{"predicted": 2}, {"gold": -1}, {"choices": None}])
def test_choices_that_are_not_there(change: dict[str, Any]) -> None:
    found, (note,) = read("choices", LINES["choices"] | change)
    assert not found
    assert "a line without choices and the number of the predicted one was left out" in note


def test_an_unknown_kind_is_told() -> None:
    found, (note,) = read("poems", {"predicted": "春眠"})
    assert not found
    assert "does not know, 'poems'" in note
    assert read("poems")[1] == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["start", "end", "text", "type", "subject", "object", "@value"]), inner
        )
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("kind", LINES)
@given(data=st.data())
def test_no_line_is_too_odd(kind: str, data: st.DataObject) -> None:
    line = dict(LINES[kind])
    for key in data.draw(st.sets(st.sampled_from(sorted(line)), min_size=1)):
        line[key] = data.draw(JSON)
    assert kind_of(line) in READERS
    for found in read(kind, line)[0]:
        assert isinstance(found.right, bool)
        hash(found.asked)
