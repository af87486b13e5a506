"""Nouns and pronouns marked where they stand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.corpus import Record, write_jsonl
from wenlu.errors import DataError
from wenlu.tasks.clue.wsc import WSC, marked
from wenlu.tasks.task import Notes

EndToEnd = Callable[..., dict[str, Any]]
CLUE = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "tasks" / "clue"
TEXT = "我把床搬走了，它太旧。"


def target(noun: tuple[str, int], pronoun: tuple[str, int]) -> dict[str, object]:
    return {
        "span1_text": noun[0],
        "span1_index": noun[1],
        "span2_text": pronoun[0],
        "span2_index": pronoun[1],
    }


def mark(text: str, noun: tuple[str, int], pronoun: tuple[str, int]) -> tuple[str, Notes]:
    notes = Notes()
    record = Record({"text": text, "target": target(noun, pronoun)}, Path("x.json"), 1)
    [found] = marked(record, notes)
    return found, notes


@pytest.mark.parametrize(
    ("noun", "pronoun", "expected"),
    [
        (("床", 2), ("它", 7), "我把_床_搬走了，[它]太旧。"),
        (("旧", 9), ("我", 0), "[我]把床搬走了，它太_旧_。"),
        (("把床", 1), ("床", 2), "我_把[床]_搬走了，它太旧。"),
        (("床", 2), ("把床搬", 1), "我[把_床_搬]走了，它太旧。"),
        (("床", 2), ("床", 2), "我把_[床]_搬走了，它太旧。"),
        (("床搬", 2), ("走了", 4), "我把_床搬_[走了]，它太旧。"),
        (("走了", 4), ("床搬", 2), "我把[床搬]_走了_，它太旧。"),
        ((TEXT, 0), ("。", 10), "_我把床搬走了，它太旧[。]_"),
    ],
)
def test_in_either_order_and_inside_each_other(
    noun: tuple[str, int], pronoun: tuple[str, int], expected: str
) -> None:
    assert mark(TEXT, noun, pronoun) == (expected, Notes())


spans = st.tuples(st.integers(0, 30), st.integers(1, 5))


@given(st.text(st.characters(exclude_characters="_[]", exclude_categories=["Cs"])), spans, spans)
def test_what_stands_between_the_marks_is_the_span(
    text: str, first: tuple[int, int], second: tuple[int, int]
) -> None:
    text += "甲乙丙丁戊"
    (a, long), (b, wide) = ((start % (len(text) - 4), size) for start, size in (first, second))
    noun, pronoun = text[a : a + long], text[b : b + wide]
    found, notes = mark(text, (noun, a), (pronoun, b))
    assert not notes
    assert found.translate({ord(sign): None for sign in "_[]"}) == text
    bare = {ord(sign): None for sign in "[]"}
    before, within, behind = found.translate(bare).split("_")
    assert (before, within, behind) == (text[:a], noun, text[a + long :])
    without = found.replace("_", "")
    assert without[: without.index("[")] == text[:b]
    assert without[without.index("[") + 1 : without.index("]")] == pronoun


def test_a_span_with_a_wrong_index_is_found_nearby() -> None:
    text = "他说他走了，她看见他了。"
    found, notes = mark(text, ("他", 8), ("她", 0))
    assert found == "他说他走了，[她]看见_他_了。"
    assert notes == {
        "nouns that do not stand where their index says, found nearby": 1,
        "pronouns that do not stand where their index says, found nearby": 1,
    }


def test_a_span_that_is_nowhere_is_counted() -> None:
    found, notes = mark(TEXT, ("桌子", 2), ("它", 7))
    assert found == "我把床搬走了，[它]太旧。"
    assert notes == {"nouns that are nowhere in their text, left unmarked": 1}
    assert mark("", ("桌子", 2), ("它", -1))[0] == ""


@pytest.mark.parametrize(
    ("changed", "field", "problem"),
    [
        ({"target": None}, "target", "there must be an object with span1_text"),
        ({"target": {"span1_text": "床"}}, "span2_text", "no such field; its fields are 'span1_"),
        ({"target": target(("", 0), ("它", 7))}, "span1_text", "the text of the span is empty"),
        ({"target": {**target(("床", 2), ("它", 7)), "span2_index": "7"}}, "span2_index", "'7' c"),
        ({"target": {**target(("床", 2), ("它", 7)), "span1_index": True}}, "span1_index", "True"),
        ({"label": "是"}, "label", "'是' is not a label of wsc"),
    ],
)
def test_rows_that_will_not_do(
    changed: dict[str, Any], field: str, problem: str, tmp_path: Path
) -> None:
    good = {"text": TEXT, "target": target(("床", 2), ("它", 7)), "label": "true"}
    if field == "span2_text":
        changed = {"target": {"span1_text": "床", "span1_index": 2}}
    path = tmp_path / "train.json"
    write_jsonl(path, [good, {**good, **changed}])
    with pytest.raises(DataError, match=problem) as caught:
        WSC.read(path)
    assert (caught.value.line, caught.value.field) == (2, field)


def test_ids_have_either_name_and_only_those_of_a_test_set_must_differ(tmp_path: Path) -> None:
    row = {"text": TEXT, "target": target(("床", 2), ("它", 7)), "label": "true"}
    path = tmp_path / "x.json"
    write_jsonl(path, [{**row, "idx": 3}, {**row, "id": 4}, {**row, "idx": 3}])
    assert [example.id for example in WSC.read(path)] == ["3", "4", "3 (line 3)"]
    with pytest.raises(DataError, match="'3' is the id of line 1 too"):
        WSC.read(path, labelled=False)


@pytest.mark.skipif(not CLUE.is_dir(), reason="needs the benchmark's data in ../shared")
@pytest.mark.parametrize(("split", "rows"), [("train", 400), ("dev", 170), ("test", 290)])
def test_the_benchmark(split: str, rows: int) -> None:
    notes = Notes()
    path = CLUE / "cluewsc2020" / f"{split}.jsonl"
    examples = WSC.read(path, labelled=split != "test", notes=notes)
    assert len(examples) == rows == len({example.id for example in examples})
    assert not notes
    for example in examples:
        [text] = example.texts
        assert text.count("_") >= 2
        assert text.count("[") == text.count("]") == 1


def test_the_sample(end_to_end: EndToEnd) -> None:
    found = end_to_end("pronouns")
    assert found["splits"]["train"]["rows"] >= 150
    assert not found["splits"]["train"]["notes"]
