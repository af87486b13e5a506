"""The sample sets for reading and keywords keep the properties that their README states."""

import json
from itertools import combinations
from typing import Any

import pytest

from wenlu.assets import asset
from wenlu.corpus import read_records

from .overlap import nearly_equal

LABELLED, SPLITS = ("train", "dev"), ("train", "dev", "test")


def passages(split: str) -> list[dict[str, Any]]:
    """The paragraphs of a split, each with its title; an article holds one paragraph."""
    file = json.loads(asset("samples", "reading", f"{split}.json").read_text(encoding="utf-8"))
    assert list(file) == ["version", "data"]
    assert all(list(article) == ["paragraphs", "id", "title"] for article in file["data"])
    assert all(len(article["paragraphs"]) == 1 for article in file["data"])
    return [
        {"title": article["title"], **paragraph}
        for article in file["data"]
        for paragraph in article["paragraphs"]
    ]


def abstracts(split: str) -> list[dict[str, Any]]:
    path = asset("samples", "keywords", f"{split}.json")
    return [dict(record.fields) for record in read_records(path)]


def texts(task: str, split: str) -> list[str]:
    """The different passages or abstracts of a split."""
    if task == "reading":
        return [passage["context"] for passage in passages(split)]
    return sorted({row["abst"] for row in abstracts(split)})


def questions(split: str) -> list[tuple[str, dict[str, Any]]]:
    return [(passage["context"], qa) for passage in passages(split) for qa in passage["qas"]]


@pytest.mark.parametrize(("split", "least"), [("train", 150), ("dev", 50), ("test", 25)])
def test_there_are_enough_questions(split: str, least: int) -> None:
    assert len(questions(split)) >= least
    assert all(len(passage["qas"]) >= 3 for passage in passages(split))


def test_passages_have_the_layout_of_cmrc() -> None:
    for split in SPLITS:
        fields = ["question", "id", *(["answers"] if split in LABELLED else [])]
        for number, passage in enumerate(passages(split)):
            assert list(passage) == ["title", "id", "context", "qas"]
            assert passage["id"] == f"{split.upper()}_{number}"
            for place, qa in enumerate(passage["qas"]):
                assert list(qa) == fields
                assert qa["id"] == f"{passage['id']}_QUERY_{place}"


@pytest.mark.parametrize("split", LABELLED)
def test_answers_stand_where_they_are_said_to(split: str) -> None:
    for context, qa in questions(split):
        for answer in qa["answers"]:
            start, text = answer["answer_start"], answer["text"]
            assert context[start : start + len(text)] == text
            assert 1 <= len(text) <= 30


def test_train_has_one_answer_and_dev_up_to_three_that_overlap() -> None:
    assert all(len(qa["answers"]) == 1 for _, qa in questions("train"))
    several = [qa["answers"] for _, qa in questions("dev") if len(qa["answers"]) > 1]
    assert all(1 <= len(qa["answers"]) <= 3 for _, qa in questions("dev"))
    assert len(several) >= 25
    assert sum(len({answer["text"] for answer in answers}) > 1 for answers in several) >= 25


def test_some_answers_occur_earlier_too() -> None:
    earlier = [
        qa["id"]
        for split in LABELLED
        for context, qa in questions(split)
        if any(context.index(found["text"]) < found["answer_start"] for found in qa["answers"])
    ]
    assert len(earlier) >= 12


@pytest.mark.parametrize("split", SPLITS)
def test_one_passage_of_each_split_is_long(split: str) -> None:
    lengths = sorted(len(passage["context"]) for passage in passages(split))
    assert lengths[-1] > 900
    assert lengths[0] >= 120
    assert lengths[-2] <= 350


@pytest.mark.parametrize("split", LABELLED)
def test_a_long_passage_is_asked_about_from_beginning_to_end(split: str) -> None:
    passage = max(passages(split), key=lambda passage: len(passage["context"]))
    third = len(passage["context"]) / 3
    starts = [qa["answers"][0]["answer_start"] for qa in passage["qas"]]
    assert {int(start // third) for start in starts} == {0, 1, 2}


@pytest.mark.parametrize(("split", "least"), [("train", 160), ("dev", 50), ("test", 25)])
def test_there_are_enough_abstracts(split: str, least: int) -> None:
    assert len(abstracts(split)) >= least


def test_abstracts_have_the_layout_of_csl() -> None:
    for split in SPLITS:
        fields = ["id", "abst", "keyword", *(["label"] if split in LABELLED else [])]
        for row in abstracts(split):
            assert list(row) == fields
            assert row.get("label", "1") in ("0", "1")
            assert 3 <= len(set(row["keyword"])) == len(row["keyword"]) <= 5
            assert 60 <= len(row["abst"]) <= 160
    numbers = [row["id"] for split in SPLITS for row in abstracts(split)]
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("split", LABELLED)
def test_labels_of_keywords_are_balanced(split: str) -> None:
    labels = [row["label"] for row in abstracts(split)]
    assert 0.45 <= labels.count("1") / len(labels) <= 0.55


def test_an_abstract_comes_once_with_each_label_at_most() -> None:
    for split in LABELLED:
        seen = [(row["abst"], row["label"]) for row in abstracts(split)]
        assert len(seen) == len(set(seen))
    rows = [row["abst"] for row in abstracts("test")]
    assert all(rows.count(abstract) <= 2 for abstract in rows)
    assert sum(len(texts("keywords", split)) for split in SPLITS) >= 110


def test_whether_keywords_stand_in_the_abstract_says_little() -> None:
    rows = [row for split in LABELLED for row in abstracts(split)]
    absent = [sum(keyword not in row["abst"] for keyword in row["keyword"]) for row in rows]
    for most in range(5):
        guesses = zip(absent, rows, strict=True)
        right = sum((count <= most) == (row["label"] == "1") for count, row in guesses)
        assert right < 0.7 * len(rows)


@pytest.mark.parametrize("task", ["reading", "keywords"])
def test_texts_are_clean(task: str) -> None:
    for split in SPLITS:
        pieces = texts(task, split)
        if task == "reading":
            pieces += [qa["question"] for _, qa in questions(split)]
            assert all(qa["question"].endswith("？") for _, qa in questions(split))
        else:
            pieces += [keyword for row in abstracts(split) for keyword in row["keyword"]]
        for piece in pieces:
            assert piece == piece.strip() != ""
            assert piece.isprintable()


@pytest.mark.parametrize("task", ["reading", "keywords"])
def test_no_two_texts_are_nearly_equal(task: str) -> None:
    found = [text for split in SPLITS for text in texts(task, split)]
    assert len(found) == len(set(found))
    assert nearly_equal(found) == []


@pytest.mark.parametrize("task", ["reading", "keywords"])
@pytest.mark.parametrize(("left", "right"), [*combinations(SPLITS, 2)])
def test_no_text_is_in_two_splits(task: str, left: str, right: str) -> None:
    assert set(texts(task, left)).isdisjoint(texts(task, right))
