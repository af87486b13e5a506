"""Each layout, and what is odd in it."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wenlu.corpus import Record
from wenlu.errors import DataError
from wenlu.tasks.span_layouts import Span, Spans, read_spans, read_text

TEXT = "曹雪芹在北京写红楼梦"
FOUND = (Span(0, 3, "人"), Span(4, 6, "地"), Span(7, 10, "书"))


def record(**fields: Any) -> Record:  # noqa: ANN401
    return Record(fields, Path("train.jsonl"), 7)


def spans(**fields: Any) -> tuple[Spans, Counter[str]]:  # noqa: ANN401
    row, notes = record(**fields), Counter[str]()
    return read_spans(row, read_text(row), notes), notes


def bio(text: str, marked: Spans) -> list[str]:
    tags = ["O"] * len(text)
    for start, end, kind in marked:
        tags[start:end] = [f"B-{kind}", *[f"I-{kind}"] * (end - start - 1)]
    return tags


def bmes(text: str, marked: Spans) -> list[str]:
    tags = ["O"] * len(text)
    for start, end, kind in marked:
        inner = [f"B-{kind}", *[f"M-{kind}"] * (end - start - 2), f"E-{kind}"]
        tags[start:end] = [f"S-{kind}"] if end - start == 1 else inner
    return tags


def layouts(text: str, marked: Spans) -> list[dict[str, Any]]:
    by_type: dict[str, dict[str, list[list[int]]]] = {}
    for s, e, k in marked:
        by_type.setdefault(k, {}).setdefault(text[s:e], []).append([s, e - 1])
    return [
        {"text": text, "label": by_type},
        {
            "text": text,
            "entities": [
                {"start_idx": s, "end_idx": e - 1, "type": k, "entity": text[s:e]}
                for s, e, k in marked
            ],
        },
        {"text": text, "entities": [{"start": s, "end": e, "type": k} for s, e, k in marked]},
        {
            "text": text,
            "entity_list": [
                {"entity_index": {"begin": s, "end": e}, "entity_type": k, "entity": text[s:e]}
                for s, e, k in marked
            ],
        },
        {
            "text": text,
            "entity_list": [
                {"start": s, "end": e, "type": k, "text": text[s:e]} for s, e, k in marked
            ],
        },
    ]


def tagged(text: str, marked: Spans) -> list[dict[str, Any]]:
    return [
        {"tokens": list(text), "tags": make(text, marked)}
        for make in (bio, bmes, lambda *a: [t.replace("M-", "I-") for t in bmes(*a)])
    ]


@pytest.mark.parametrize("fields", layouts(TEXT, FOUND) + tagged(TEXT, FOUND))
def test_every_layout_says_the_same(fields: dict[str, Any]) -> None:
    assert read_text(record(**fields)) == TEXT
    assert spans(**fields) == (FOUND, Counter())


@st.composite
def marked_texts(draw: st.DrawFn) -> tuple[str, Spans]:
    text = draw(st.text("甲乙 a\u0301𠮷", min_size=1, max_size=8))
    ends = st.integers(0, len(text))
    pieces = st.tuples(ends, ends, st.sampled_from("地人")).filter(lambda s: s[0] < s[1])
    found = draw(st.lists(pieces, max_size=5, unique=True))
    return text, tuple(sorted(Span(*piece) for piece in found))


@given(marked_texts())
@settings(max_examples=40)
def test_any_pieces_nested_and_overlapping(case: tuple[str, Spans]) -> None:
    text, marked = case
    for fields in layouts(text, marked):
        assert spans(**fields) == (marked, Counter())
    apart: list[Span] = []
    for span in marked:
        if not apart or span.start >= apart[-1].end:
            apart.append(span)
    for fields in tagged(text, tuple(apart)):
        assert spans(**fields) == (tuple(apart), Counter())


def test_neighbours_and_tags_without_a_beginning() -> None:
    tags = ["I-人", "I-人", "B-人", "E-地", "M-人", "S-人", "O", "B-地"]
    found, notes = spans(tokens=list("甲乙丙丁戊己庚辛"), tags=tags)
    assert found == (
        *(Span(0, 2, "人"), Span(2, 3, "人"), Span(3, 4, "地")),
        *(Span(4, 5, "人"), Span(5, 6, "人"), Span(7, 8, "地")),
    )
    assert notes == {"I- tags without a B- tag before them, read as B-": 3}


def test_words_of_languages_with_spaces() -> None:
    tokens = ["在", "New", "York", "买", "i", "P", "a", "d", "", "2", "1", "个"]
    tags = ["O", "B-地", "I-地", "O", *["B-物", "I-物", "I-物", "I-物"], "B-空", "O", "O", "O"]
    row = record(tokens=tokens, tags=tags)
    text = read_text(row)
    assert text == "在New York买iPad21个"
    found = read_spans(row, text, Counter())
    assert [text[s.start : s.end] for s in found] == ["New York", "iPad"]


def test_pieces_elsewhere_than_said_are_found_and_counted() -> None:
    label = {"人": {"曹雪芹": [[1, 3], [0, 2]], "高鹗": [[0, 1]]}, "书": {"红楼梦": [[70, 72]]}}
    found, notes = spans(text=TEXT, label=label)
    assert found == (Span(0, 3, "人"), Span(7, 10, "书"))
    assert notes == {
        "entities that do not stand where their offsets say, found nearby": 2,
        "entities that are nowhere in their text, left out": 1,
        "entities that are listed twice": 1,
    }
    inclusive = {"start": 0, "end": 2, "type": "人", "entity": "曹雪芹"}
    assert spans(text=TEXT, entities=[inclusive])[0] == (Span(0, 3, "人"),)
    empty = {"start_idx": 5, "end_idx": 4, "type": "人", "entity": ""}
    assert spans(text=TEXT, entities=[empty]) == ((), {"entities of no characters, left out": 1})


def test_offsets_count_characters_and_not_bytes_or_halves() -> None:
    text = "𠮷野家👨‍👩‍👧在é"
    found, notes = spans(text=text, entities=[{"start": 0, "end": 3, "type": "店"}])
    assert text[found[0].start : found[0].end] == "𠮷野家"
    assert not notes


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, r"no field holds the labelled spans: looked for entities, .*fields are 'text'"),
        ({"label": "人"}, r"'label': it must be \{\"type\": \{\"span\""),
        ({"label": {"人": ["曹雪芹"]}}, r"'label\.人': it must be \{\"span\": \[\["),
        ({"label": {"人": {"曹雪芹": 0}}}, "'曹雪芹' must have a list"),
        ({"label": {"人": {"曹雪芹": [[0]]}}}, r"\[0\] came for '曹雪芹', not \[start, end\]"),
        ({"label": {"人": {"曹雪芹": [[0, "2"]]}}}, "'2' came; it must be a whole number"),
        ({"entities": {}}, r"'entities': it must be a list"),
        ({"entities": [3]}, r"'entities\[0\]': it must be an object"),
        ({"entities": [{"type": "人"}]}, "must say where it is: start and end .* are 'type'"),
        ({"entities": [{"start": 0, "end": True, "type": "人"}]}, r"entities\[0\]\.end.*True came"),
        ({"entities": [{"start": 0, "end": 2}]}, "None came; the type must be a name"),
        ({"entities": [{"start": 0, "end": 2, "type": "人", "text": 1}]}, "span must be a string"),
        (
            {"entities": [{"start": 8, "end": 11, "type": "人"}]},
            r"characters 8 to 11 \(exclusive\) are not inside a text of 10",
        ),
        ({"tags": ["O"]}, "'tokens': it must be a list of strings"),
        ({"tags": ["O"], "tokens": ["甲", "乙"]}, "1 tags came for 2 tokens"),
        ({"tags": "O", "tokens": ["甲"]}, "no list of tags came for 1 tokens"),
        ({"tags": ["O"], "tokens": ["甲"]}, "the tokens do not make up the text"),
    ],
)
def test_rows_that_cannot_be_understood(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as raised:
        spans(text=TEXT, **fields)
    assert "train.jsonl, line 7" in str(raised.value)


@pytest.mark.parametrize("tag", ["X-人", "B", "B-", "", 3, None])
def test_tags_that_are_none(tag: object) -> None:
    with pytest.raises(DataError, match=r"came; a tag is O, or B-, I-, M-, E- or S- and a type"):
        spans(tokens=["甲"], tags=[tag])
