import json
from pathlib import Path

import pytest

from wenlu.assets import asset
from wenlu.errors import DataError
from wenlu.tasks.reassembly import Piece, Relation
from wenlu.tasks.relation_schema import Predicate, Schema, read_schema, schema_beside, schema_of

DATE = {
    "predicate": "上映时间",
    "subject_type": "影视作品",
    "object_type": {"inArea": "地点", "@value": "Date"},
}


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def test_slots_are_in_order_and_predicates_in_that_of_the_file(tmp_path: Path) -> None:
    author = {"predicate": "作者", "subject_type": "图书作品", "object_type": {"@value": "人物"}}
    schema = read_schema(write(tmp_path / "schema.json", DATE, author))
    assert schema.predicates == (
        Predicate("上映时间", "影视作品", (("@value", "Date"), ("inArea", "地点"))),
        Predicate("作者", "图书作品", (("@value", "人物"),)),
    )
    assert schema.flat == (("上映时间", "@value"), ("上映时间", "inArea"), ("作者", "@value"))
    assert not schema.plain
    assert Schema.restored(json.loads(json.dumps(schema.saved()))) == schema


def test_the_older_layout_and_a_predicate_of_two_types(tmp_path: Path) -> None:
    rows = [
        {"predicate": "成立日期", "subject_type": kind, "object_type": "Date"}
        for kind in ("机构", "企业")
    ]
    schema = read_schema(write(tmp_path / "schemas.jsonl", *rows))
    assert schema.plain
    assert schema.predicates == (Predicate("成立日期", "机构", (("@value", "Date"),)),)


def test_the_bundled_schema() -> None:
    schema = read_schema(asset("samples", "relations", "schema.json"))
    assert len(schema.predicates) == 10
    assert len(schema.flat) == 14


def test_the_one_file_beside_the_data(tmp_path: Path) -> None:
    data = write(tmp_path / "train.json", {"text": ""})
    assert schema_beside(data) is None
    (tmp_path / "schema.txt").write_text("something else")
    write(tmp_path / "DuIE_Schema.json", DATE)
    found = schema_beside(data)
    assert found == read_schema(tmp_path / "DuIE_Schema.json")


def test_what_the_training_data_have(tmp_path: Path) -> None:
    rows = [
        {"predicate": "作者", "subject_type": kind, "object": {"@value": "a"}, "object_type": what}
        for kind, what in (("书", {"@value": "人"}), ("图书", {"@value": "人"}), ("图书", None))
    ]
    data = write(tmp_path / "train.json", {"text": "a", "spo_list": rows})
    relations = [
        Relation(Piece("b"), "作者", (("@value", Piece("a")),)),
        Relation(Piece("b"), "a", (("@value", Piece("a")), ("in", Piece("a")))),
    ]
    schema = schema_of(relations, data)
    assert schema.predicates == (
        Predicate("a", "", (("@value", ""), ("in", ""))),
        Predicate("作者", "图书", (("@value", "人"),)),
    )
    assert not schema.given
    with pytest.raises(DataError, match=r"train\.json: no row has a relation, so there is nothing"):
        schema_of([], data)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "a", "spo_list": []}, r"line 1, field 'predicate': this is no schema: a line of"),
        ({"predicate": "p"}, r"field 'object_type': this is no schema"),
        ({"predicate": " ", "object_type": "t"}, "the predicate is empty; a line of a schema"),
        ({"predicate": 3, "object_type": "t"}, "field 'predicate': the number 3 came"),
        ({"predicate": "p", "object_type": {"in": "t"}}, "there is no slot '@value'; a line of a"),
        ({"predicate": "p", "object_type": ["t"]}, r"\['t'\] came; it must be the type of the obj"),
        ({"predicate": "p", "object_type": {"@value": 1}}, r"came; it must be the type of the obj"),
    ],
)
def test_a_file_that_is_no_schema(tmp_path: Path, row: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_schema(write(tmp_path / "schema.json", row))


def test_a_schema_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        read_schema(tmp_path / "schema.json")
