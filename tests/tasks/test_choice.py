"""The user's own questions: tables, JSON lines, and C3's layout."""

import json
from pathlib import Path
from typing import Any

import pytest

from wenlu.corpus import write_jsonl
from wenlu.errors import DataError
from wenlu.tasks.choice import CHOICE
from wenlu.tasks.task import Notes

ROW: dict[str, Any] = {
    "text": "他在看书。",
    "question": "他在做什么？",
    "choices": ["吃饭", "看书"],
}


def label(folder: Path, answer: object, *choices: str) -> int | None:
    path = folder / "train.jsonl"
    write_jsonl(path, [{**ROW, "choices": list(choices) or ROW["choices"], "answer": answer}])
    [example] = CHOICE.read(path)
    return example.label


@pytest.mark.parametrize("answer", ["看书", " 看书 ", "B", "b", 1, "1"])
def test_an_answer_is_a_text_a_letter_or_a_number(answer: object, tmp_path: Path) -> None:
    assert label(tmp_path, answer) == 1


def test_what_could_be_both_is_a_text(tmp_path: Path) -> None:
    assert label(tmp_path, "1", "1", "2", "3") == 0
    assert label(tmp_path, 1, "1", "2", "3") == 1
    assert label(tmp_path, "B", "C", "A", "B") == 2
    assert label(tmp_path, "C", "A", "B", "D") == 2
    assert label(tmp_path, "甲", "乙", "甲", "甲") == 1


def test_blanks_at_the_ends_count_only_where_nothing_else_differs(tmp_path: Path) -> None:
    assert label(tmp_path, "A ", "B ", "A ") == 1
    assert label(tmp_path, "0 ", "1 ", "0 ") == 1
    assert label(tmp_path, "A ", "A", "A ") == 1
    assert label(tmp_path, "走路 ", " 打车", "走路 ") == 1
    assert label(tmp_path, "走路", " 打车", "走路 ") == 1
    assert label(tmp_path, " A", "B ", "A ") == 1
    assert label(tmp_path, " B ", " 打车", "走路 ") == 1


@pytest.mark.parametrize(
    "answer", ["看报", "C", 2, "2", -1, "-1", "AB", "", "²", "１２", "9" * 5000]
)
def test_answers_that_are_none(answer: object, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is not among the choices; the closest are .*0 to 1, or"):
        label(tmp_path, answer)


@pytest.mark.parametrize(
    ("changed", "field", "problem"),
    [
        ({"answer": 0.5}, "answer", "an answer must be a string, a whole number"),
        ({"answer": True}, "answer", "'true' is not among the choices"),
        ({"choices": ["看书"]}, "choices", "there must be two choices or more; got 1"),
        ({"choices": "看书"}, "choices", "there must be two choices or more; got 1"),
        ({"choices": "看书|"}, "choices", "a choice is empty"),
        ({"choices": ["看书", 4]}, "choices", "choice 1 is 4; it must be a string"),
        ({"choices": 4}, "choices", "the number 4 came; it must be a string"),
        ({"text": None}, "text", "null came; it must be a string"),
        ({"id": 0}, "id", "'0' is the id of line 1 too"),
        ({"id": 0.5}, "id", "0.5 came; an id must be a string, a whole number"),
        ({"choices": ["看书", "\ud800"]}, "choices[1]", "a lone surrogate"),
    ],
)
def test_rows_that_will_not_do(
    changed: dict[str, Any], field: str, problem: str, tmp_path: Path
) -> None:
    path, good = tmp_path / "train.jsonl", {**ROW, "answer": "看书"}
    write_jsonl(path, [good, {**good, **changed}])
    with pytest.raises(DataError, match=problem) as caught:
        CHOICE.read(path)
    assert (caught.value.file, caught.value.line, caught.value.field) == (path, 2, field)


def test_a_table(tmp_path: Path) -> None:
    path, notes = tmp_path / "my.csv", Notes()
    path.write_text(
        "id,text,question,choices,answer\n"
        'a,"他在看书，她在吃饭。",他在做什么？,吃饭|看书|看书,看书\n'
        "b,他在看书。,,吃饭 | 看书,A\n",
        "utf-8",
    )
    first, second = CHOICE.read(path, notes=notes)
    assert (first.id, first.choices, first.label) == ("a", ("吃饭", "看书", "看书"), 1)
    assert (second.texts, second.choices, second.label) == (
        ("他在看书。", ""),
        ("吃饭", "看书"),
        0,
    )
    assert notes == {"questions with a choice twice (the first counts)": 1}
    assert [e.label for e in CHOICE.read(path, labelled=False)] == [None, None]


@pytest.mark.parametrize("indent", [None, 1])
def test_the_layout_of_c3(indent: int | None, tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    asked = {"question": "他在做什么？", "choice": ["吃饭", "看书"], "answer": "看书"}
    path.write_text(json.dumps([[["他在看书。"], [asked], "7"]], indent=indent), "utf-8")
    [example] = CHOICE.read(path)
    assert (example.id, example.label) == ("train:7-1", 1)


def test_an_array_of_objects(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    path.write_text(json.dumps([{**ROW, "answer": "A"}], indent=1), "utf-8")
    [example] = CHOICE.read(path)
    assert example.label == 0


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        CHOICE.read(tmp_path / "train.json")
    (tmp_path / "train.json").write_text("")
    with pytest.raises(DataError, match="the file has no rows"):
        CHOICE.read(tmp_path / "train.json")
