from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.corpus import Record
from wenlu.errors import DataError
from wenlu.tasks.reassembly import Piece, Relation
from wenlu.tasks.relation_layout import located, read_relations
from wenlu.tasks.relation_schema import Predicate, Schema
from wenlu.tasks.task import Notes

SCHEMA = Schema(
    (
        Predicate("作者", "图书作品", (("@value", "人物"),)),
        Predicate("饰演", "娱乐人物", (("@value", "人物"), ("inWork", "影视作品"))),
    )
)
TEXT = "《活着》是余华写的"


def spo(subject: object, predicate: object, what: object) -> dict[str, object]:
    return {"subject": subject, "predicate": predicate, "object": what}


def read(
    *spos: object, text: str = TEXT, schema: Schema | None = SCHEMA
) -> tuple[tuple[Relation, ...], dict[str, int]]:
    notes = Notes()
    record = Record({"text": text, "spo_list": list(spos)}, Path("d.json"), 7)
    return read_relations(record, text, schema, notes), dict(notes)


LIVED = Relation(Piece("活着", 1, 3), "作者", (("@value", Piece("余华", 5, 7)),))


def test_both_layouts_of_an_object() -> None:
    assert read(spo("活着", "作者", {"@value": "余华"})) == ((LIVED,), {})
    assert read(spo("活着", "作者", "余华")) == ((LIVED,), {})
    assert read() == ((), {})


def test_slots_are_in_order() -> None:
    found, _ = read(spo("余华", "饰演", {"inWork": "活着", "@value": "余华"}))
    assert [slot for slot, _ in found[0].object] == ["@value", "inWork"]


def test_what_is_odd_is_counted() -> None:
    once = spo("活着", "作者", "余华")
    found, notes = read(
        once,
        once,
        spo("活着", "作者", "莫言"),
        spo("", "作者", "余华"),
        spo("活着", "作者", {"@value": " "}),
        spo("余华", "饰演", {"@value": "余华", "inWork": ""}),
        spo("余华", "饰演", {"inWork": "活着"}),
    )
    assert found[0] == LIVED
    assert len(found) == 4
    assert found[1].object == (("@value", Piece("莫言")),)  # nowhere in the text
    assert notes == {
        "subjects and objects that are not in their text, out of reach": 1,
        "relations that their row has twice": 1,
        "relations with an empty subject, predicate or object, left out": 2,
        "slots of objects that are empty, left out": 1,
        "relations without @value, out of reach": 1,
    }


def test_the_place_is_the_first_that_is_not_inside_a_longer_piece() -> None:
    text = "中国海洋大学在中国，海洋大学"
    sea = spo("中国海洋大学", "作者", "中国")
    assert read(sea, text=text)[0][0].object[0][1] == Piece("中国", 7, 9)
    assert read(spo("海洋", "作者", "中国"), text=text)[0][0].object[0][1] == Piece("中国", 0, 2)
    # Where it has no place of its own, the first will do.
    assert read(sea, text="中国海洋大学")[0][0].object[0][1] == Piece("中国", 0, 2)


@given(st.text("ab中", max_size=12), st.lists(st.text("ab中", min_size=1, max_size=3), min_size=2))
def test_every_piece_stands_where_it_says(text: str, words: list[str]) -> None:
    pairs = list(pairwise(words))
    relations = [Relation(Piece(a), "p", (("@value", Piece(b)),)) for a, b in pairs]
    for relation, (a, b) in zip(located(text, relations), pairs, strict=True):
        for found, word in ((relation.subject, a), (relation.object[0][1], b)):
            assert found.text == word
            assert (found.start is None) == (word not in text)
            if found.start is not None:
                assert text[found.start : found.end] == word


@pytest.mark.parametrize(
    ("spos", "message"),
    [
        ("活着", "d.json, line 7, field 'spo_list': it must be a list of relations, such as"),
        (None, "it must be a list of relations"),
        (["活着"], "'活着' came; a relation is an object"),
        ([spo(None, "作者", "余华")], "a relation has None as its subject; it must be text"),
        ([spo("活着", 3, "余华")], "a relation has 3 as its predicate"),
        ([spo("活着", "作者", ["余华"])], r"a relation has \['余华'\] as its @value"),
        ([spo("活着", "饰演", {"@value": "余华", "inWork": 1})], "a relation has 1 as its inWork"),
        (
            [spo("活着", "作著", "余华")],
            "'作著' is not a predicate of the schema; the closest are 作者",
        ),
        (
            [spo("活着", "作者", {"@value": "余华", "inArea": "余华"})],
            "'inArea' is not a slot of '作者' in the schema, which has @value",
        ),
    ],
)
def test_rows_that_cannot_be_read(spos: Any, message: str) -> None:  # noqa: ANN401
    record = Record({"text": TEXT, "spo_list": spos}, Path("d.json"), 7)
    with pytest.raises(DataError, match=message):
        read_relations(record, TEXT, SCHEMA, Notes())


def test_what_only_the_training_data_say_is_no_law() -> None:
    schema = Schema(SCHEMA.predicates, given=False)
    spos = [spo("活着", "作著", "余华"), spo("活着", "作者", {"@value": "余华", "in": "余华"})]
    found, notes = read(*spos, schema=schema)
    assert len(found) == 2
    assert notes == {
        "relations whose predicate is not in the training data, out of reach": 1,
        "slots of objects that are not in the training data, out of reach": 1,
    }
    assert read(*spos, schema=None)[1] == {}
