"""The sample sets of questions with choices and of idioms keep what their README states."""

import re
from collections import Counter
from typing import Any

import pytest

from wenlu.assets import asset
from wenlu.corpus import read_document, read_records

from .overlap import nearly_equal

LABELLED, SPLITS = ("train", "dev"), ("train", "dev", "test")
TAG = re.compile(r"#idiom\d{6}#")


def documents(split: str) -> list[Any]:
    content = read_document(asset("samples", "choices", f"{split}.json"))
    assert isinstance(content, list)
    return content


def questions(split: str) -> list[dict[str, Any]]:
    return [question for document in documents(split) for question in document[1]]


def samples(split: str) -> list[dict[str, Any]]:
    return [record.fields for record in read_records(asset("samples", "idioms", f"{split}.json"))]


def answers(split: str) -> dict[str, int]:
    content = read_document(asset("samples", "idioms", f"{split}_answer.json"))
    assert isinstance(content, dict)
    return content


def tags(sample: dict[str, Any]) -> list[str]:
    return TAG.findall("".join(sample["content"]))


def texts(task: str, split: str) -> list[str]:
    """What is read before a question is answered: a document each, or a passage each."""
    if task == "choices":
        return ["".join(document[0]) for document in documents(split)]
    return [TAG.sub("", passage) for sample in samples(split) for passage in sample["content"]]


@pytest.mark.parametrize(("split", "least"), [("train", 160), ("dev", 55), ("test", 25)])
def test_there_are_enough_questions(split: str, least: int) -> None:
    assert len(questions(split)) >= least


@pytest.mark.parametrize(("split", "least"), [("train", 160), ("dev", 50), ("test", 25)])
def test_there_are_enough_idiom_samples(split: str, least: int) -> None:
    assert len(samples(split)) >= least


@pytest.mark.parametrize("split", SPLITS)
def test_choices_have_the_layout_of_c3(split: str) -> None:
    for lines, items, *name in documents(split):
        assert 2 <= len(lines) <= 8
        assert items != []
        assert [type(part) for part in name] == ([] if split == "test" else [str])
        last = "id" if split == "test" else "answer"
        assert all(list(item) == ["question", "choice", last] for item in items)
    if split == "test":
        assert [item["id"] for item in questions(split)] == list(range(len(questions(split))))


def test_documents_are_named_once() -> None:
    names = [document[2] for split in LABELLED for document in documents(split)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("split", SPLITS)
def test_a_document_is_a_line_of_its_file(split: str) -> None:
    lines = asset("samples", "choices", f"{split}.json").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(documents(split)) + 2  # the brackets of the list


@pytest.mark.parametrize("split", SPLITS)
def test_choices_are_distinct_and_hold_the_answer(split: str) -> None:
    for item in questions(split):
        assert 2 <= len(item["choice"]) == len(set(item["choice"])) <= 4
        assert split == "test" or item["answer"] in item["choice"]


@pytest.mark.parametrize("split", SPLITS)
def test_most_questions_have_four_choices(split: str) -> None:
    sizes = Counter(len(item["choice"]) for item in questions(split))
    assert sizes[4] > 0.8 * sizes.total()
    assert split == "test" or sizes.keys() == {2, 3, 4}


@pytest.mark.parametrize("split", LABELLED)
def test_the_right_choice_is_everywhere_equally_often(split: str) -> None:
    four = [item for item in questions(split) if len(item["choice"]) == 4]
    places = Counter(item["choice"].index(item["answer"]) for item in four)
    assert max(places[place] for place in range(4)) <= 0.3 * len(four)
    assert min(places[place] for place in range(4)) >= 0.2 * len(four)


def test_neither_length_nor_shared_characters_give_the_right_choice_away() -> None:
    longest = shared = total = 0.0
    for split in LABELLED:
        for lines, items, _ in documents(split):
            seen = frozenset("".join(lines))
            for item in (item for item in items if len(item["choice"]) == 4):
                right = item["choice"].index(item["answer"])
                lengths = [len(choice) for choice in item["choice"]]
                shares = [sum(c in seen for c in text) / len(text) for text in item["choice"]]
                longest += (lengths[right] == max(lengths)) / lengths.count(max(lengths))
                shared += (shares[right] == max(shares)) / shares.count(max(shares))
                total += 1
    assert longest < 0.4 * total
    assert shared < 0.4 * total


@pytest.mark.parametrize("split", SPLITS)
def test_idioms_have_the_layout_of_chid(split: str) -> None:
    for sample in samples(split):
        assert list(sample) == ["content", "candidates"]
        assert all(TAG.search(passage) for passage in sample["content"])
        assert all(30 <= len(TAG.sub("四字成语", text)) <= 110 for text in sample["content"])
        assert [len(candidate) for candidate in sample["candidates"]] == [4] * 10
        assert len(set(sample["candidates"])) == 10


def test_tags_are_numbered_through_the_whole_set() -> None:
    found = [tag for split in SPLITS for sample in samples(split) for tag in tags(sample)]
    assert found == [f"#idiom{number:06d}#" for number in range(len(found))]


@pytest.mark.parametrize("split", LABELLED)
def test_every_tag_is_answered(split: str) -> None:
    assert list(answers(split)) == [tag for sample in samples(split) for tag in tags(sample)]
    assert all(answer in range(10) for answer in answers(split).values())


@pytest.mark.parametrize("split", LABELLED)
def test_no_idiom_answers_twice_or_stands_in_the_text(split: str) -> None:
    for sample in samples(split):
        used = [answers(split)[tag] for tag in tags(sample)]
        assert len(used) == len(set(used))
    for sample in (sample for split in SPLITS for sample in samples(split)):
        text = "".join(sample["content"])
        assert [idiom for idiom in sample["candidates"] if idiom in text] == []


@pytest.mark.parametrize("split", LABELLED)
def test_the_right_idiom_is_everywhere_equally_often(split: str) -> None:
    places = Counter(answers(split).values())
    assert max(places[place] for place in range(10)) <= 0.12 * places.total()
    assert min(places[place] for place in range(10)) >= 0.08 * places.total()


@pytest.mark.parametrize("split", SPLITS)
def test_a_third_of_the_samples_have_several_blanks(split: str) -> None:
    blanks = [len(tags(sample)) for sample in samples(split)]
    assert set(blanks) <= {1, 2, 3, 4}
    assert 0.3 <= sum(number > 1 for number in blanks) / len(blanks) <= 0.4
    assert any(len(sample["content"]) > 1 for sample in samples(split))


def test_every_idiom_is_an_answer_in_train() -> None:
    idioms = {idiom for split in SPLITS for row in samples(split) for idiom in row["candidates"]}
    known = answers("train")
    used = {row["candidates"][known[tag]] for row in samples("train") for tag in tags(row)}
    assert used == idioms
    assert 80 <= len(idioms) <= 160


@pytest.mark.parametrize("task", ["choices", "idioms"])
def test_texts_are_clean(task: str) -> None:
    for split in SPLITS:
        for text in texts(task, split):
            assert text == text.strip() != ""
            assert text.isprintable()
    for item in (item for split in SPLITS for item in questions(split)):
        for text in (item["question"], *item["choice"]):
            assert text == text.strip() != ""
            assert text.isprintable()


@pytest.mark.parametrize("task", ["choices", "idioms"])
def test_no_two_texts_are_nearly_equal(task: str) -> None:
    found = [text for split in SPLITS for text in texts(task, split)]
    assert len(found) == len(set(found))
    assert nearly_equal(found) == []
