import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from wenlu.corpus import write_jsonl
from wenlu.errors import DataError
from wenlu.tasks.reading_layouts import ABSENT, FIRST, MOVED, Answer, Question, read_questions

CONTEXT = "文炉是一座炉。炉火不熄，文章不断。"


def squad(*asked: dict[str, Any], context: object = CONTEXT) -> dict[str, Any]:
    return {"version": "v1.0", "data": [{"paragraphs": [{"context": context, "qas": list(asked)}]}]}


def qa(id: object = "Q1", question: object = "文炉是什么？", **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "id": id,
        "question": question,
        "answers": [{"text": "一座炉", "answer_start": 3}],
        **fields,
    }


def write(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
    return path


def read(path: Path, *, labelled: bool = True) -> tuple[list[Question], Counter[str]]:
    notes: Counter[str] = Counter()
    return read_questions(path, labelled=labelled, notes=notes), notes


def test_the_layout_of_squad(tmp_path: Path) -> None:
    path = write(
        tmp_path / "train.json",
        squad(qa(), qa(7, "什么不断？", answers=[{"text": "文章", "answer_start": 12}])),
    )
    found, notes = read(path)
    assert found == [
        Question("Q1", ("文炉是什么？", CONTEXT), (Answer("一座炉", 3),)),
        Question("7", ("什么不断？", CONTEXT), (Answer("文章", 12),)),
    ]
    assert not notes
    assert found[0].group == found[1].group == CONTEXT
    unlabelled, _ = read(path, labelled=False)
    assert [example.label for example in unlabelled] == [None, None]


@pytest.mark.parametrize("name", ["mine.jsonl", "mine.json"])
@pytest.mark.parametrize("count", [1, 2])
def test_rows(tmp_path: Path, name: str, count: int) -> None:
    rows = [
        {"question": "文炉是什么？", "context": CONTEXT, "answers": ["一座炉", "炉火"]},
        {"id": "b", "question": "什么不断？", "context": CONTEXT, "answers": "文章"},
    ]
    write_jsonl(tmp_path / name, rows[:count])
    found, notes = read(tmp_path / name)
    assert [(e.id, e.label) for e in found] == [
        ("0", (Answer("一座炉", 3), Answer("炉火", 7))),
        ("b", (Answer("文章", 12),)),
    ][:count]
    assert not notes
    write(tmp_path / "array.json", rows[:count])
    assert read(tmp_path / "array.json") == (found, notes)


def test_answers_that_do_not_stand_where_they_are_said_to(tmp_path: Path) -> None:
    answers = [
        {"text": "炉", "answer_start": 5},  # as it stands
        {"text": "炉", "answer_start": 6},  # one too far, and another occurrence one the other way
        {"text": "文", "answer_start": -1},
        {"text": "炉子", "answer_start": -1},
        {"text": "炉"},
        "文章",
    ]
    found, notes = read(write(tmp_path / "dev.json", squad(qa(answers=answers))))
    assert found[0].label is not None
    assert [answer.start for answer in found[0].label] == [5, 5, 0, None, 1, 12]
    assert notes == {MOVED: 2, ABSENT: 1, FIRST: 1}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (squad(qa(), qa()), r"data\[0\].paragraphs\[0\].qas\[1\].id': 'Q1' is the id of data"),
        (squad(qa(id=None)), "every question needs an id"),
        (squad(qa(question=None)), "question 'Q1': the question must be a string; got None"),
        (squad(qa(question="  ")), "question 'Q1': the question is empty"),
        (
            squad(qa(), context=" \n"),
            r"paragraphs\[0\].context': question 'Q1': the context is empty",
        ),
        (squad(qa(), context=3), "question 'Q1': the context must be a string; got 3"),
        (squad(qa(question="坏\ud800")), r"qas\[0\].question': a lone surrogate, .*at index 1"),
        (squad(qa(id="\ud800")), r"qas\[0\].id': a lone surrogate"),
        ([{"context": "文\ud800"}], r"field '\[0\].context': a lone surrogate"),
        (squad(qa(answers=[])), r"qas\[0\].answers': question 'Q1': there is no answer"),
        (squad(qa(answers=None)), "question 'Q1': there is no answer"),
        (squad(qa(answers=[3])), "question 'Q1': an answer is a text or an object with one; got 3"),
        (squad(qa(answers=[{"text": ""}])), "question 'Q1': an answer's text is empty"),
        (squad(qa(answers=[{"answer_start": 3}])), "an answer's text must be a string; got None"),
        (squad(qa(answers=[{"text": "炉", "answer_start": "3"}])), "answer_start must be a whole"),
        (squad(qa(answers=[{"text": "炉", "answer_start": True}])), "answer_start must be a whole"),
        ({"data": []}, "the file has no questions"),
        ({"data": "x"}, "train.json: there is no list called 'data'"),
        ({"data": [{"paragraphs": [{"context": CONTEXT}]}]}, r"no list called 'qas'"),
        ({"data": [3]}, r"field 'data\[0\]': an object must stand here"),
        ({"rows": []}, 'neither "data"'),
        ([3], "the array must hold objects"),
    ],
)
def test_bad_documents(tmp_path: Path, document: object, message: str) -> None:
    path = tmp_path / "train.json"
    path.write_text(json.dumps(document), "utf-8")
    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"context": CONTEXT, "answers": ["炉"]}], "line 1, field 'question'.*got None"),
        ([{"question": "？", "context": "", "answers": ["炉"]}], "line 1.*the context is empty"),
        ([{"question": "？", "context": CONTEXT}], "question '0': there is no answer"),
        (
            [{"id": 1, "question": "？", "context": CONTEXT, "answers": ["炉"]}] * 2,
            "line 2, field 'id': '1' is the id of line 1 too",
        ),
    ],
)
def test_bad_rows(tmp_path: Path, rows: list[dict[str, Any]], message: str) -> None:
    write_jsonl(tmp_path / "train.jsonl", rows)
    with pytest.raises(DataError, match=message):
        read(tmp_path / "train.jsonl")


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_an_empty_file(content: str, tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    path.write_text(content, "utf-8")
    with pytest.raises(DataError, match=r"train\.json: the file has no rows"):
        read(path)


def test_broken_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    path.write_text('{"data": [{"paragraphs": [', "utf-8")
    with pytest.raises(DataError, match="cut short"):
        read(path)
