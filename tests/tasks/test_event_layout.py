from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.corpus import Record, write_jsonl
from wenlu.errors import DataError
from wenlu.tasks.event_layout import EventArgument, Schema, event_types, read_events, read_schema
from wenlu.tasks.task import Notes

TEXT = "上周,李四和王五结婚,李四很高兴"


def row(event_list: object) -> Record:
    return Record({"text": TEXT, "event_list": event_list}, Path("train.json"), 7)


def event(**argument: object) -> dict[str, Any]:
    given = {"role": "结婚双方", "argument": "李四", "argument_start_index": 3, **argument}
    given = {name: value for name, value in given.items() if value is not ...}
    return {"event_type": "人生-结婚", "trigger": "结婚", "arguments": [given]}


def read(*events: dict[str, Any]) -> tuple[tuple[EventArgument, ...], Notes]:
    notes = Notes()
    return read_events(row(list(events)), TEXT, notes), notes


def test_an_argument_is_taken_where_its_index_says() -> None:
    for index, place in ((3, (3, 5)), (11, (11, 13))):
        (argument,), notes = read(event(argument_start_index=index))
        assert argument == EventArgument("人生-结婚", "结婚双方", ("李四",), place)
        assert not notes


def test_an_index_that_is_wrong_is_mended_and_counted() -> None:
    for index, place in ((4, (3, 5)), (8, (11, 13)), (-1, (3, 5)), (99, (11, 13))):
        (argument,), notes = read(event(argument_start_index=index))
        assert argument.place == place
        assert notes == {"arguments that do not stand where their index says, found nearby": 1}


def test_an_argument_that_is_nowhere_is_kept_without_a_place_and_counted() -> None:
    (argument,), notes = read(event(argument="赵六"))
    assert (argument.mentions, argument.place) == (("赵六",), None)
    assert notes == {"arguments that are nowhere in their text, out of reach": 1}


def test_without_an_index_the_first_place_is_taken_and_counted() -> None:
    (argument,), notes = read(event(argument_start_index=...))
    assert argument.place == (3, 5)
    assert notes == {"arguments without an index, taken where they stand first": 1}


def test_blanks_are_left_out_of_the_place_and_not_of_what_is_scored() -> None:
    notes, text = Notes(), "在 北京 结婚"
    given = event(argument=" 北京 ", argument_start_index=1)
    (argument,) = read_events(row([given]), text, notes)
    assert argument.place is not None
    assert text[slice(*argument.place)] == "北京"
    assert argument.mentions == (" 北京 ",)
    assert notes == {"arguments with blanks at their ends, marked without them": 1}


def test_other_names_are_mentions_too() -> None:
    (argument,), _ = read(event(alias=["小李", ""]))
    assert argument.mentions == ("李四", "小李")


def test_events_may_have_no_arguments_or_share_them() -> None:
    found, notes = read(event(), event(), {"event_type": "人生-离婚", "arguments": []})
    assert len(found) == 2
    assert found[0] == found[1]
    assert notes == {"events without arguments, nothing to find": 1}
    assert read()[0] == ()


def test_the_types_of_a_row_are_also_those_of_events_without_arguments() -> None:
    events = [event(), {"event_type": "人生-离婚", "arguments": []}]
    assert event_types(row(events)) == ["人生-结婚", "人生-离婚"]
    assert event_types(row([])) == []


@given(st.text("a甲İ\u0301 ", max_size=12), st.text("a甲İ\u0301 ", min_size=1, max_size=3))
def test_what_is_placed_is_what_the_argument_says(text: str, said: str) -> None:
    notes = Notes()
    given = event(argument=said, argument_start_index=2)
    if not said.strip():
        with pytest.raises(DataError, match="with something in it"):
            read_events(row([given]), text, notes)
        return
    (argument,) = read_events(row([given]), text, notes)
    assert (argument.place is None) == (said not in text)
    if argument.place is not None:
        assert text[slice(*argument.place)] == said.strip()


@pytest.mark.parametrize(
    ("events", "field", "problem"),
    [
        ("结婚", "event_list", "it must be a list"),
        (["结婚"], "event_list[0]", "'结婚' came; it must be an object"),
        ([{"arguments": []}], "event_list[0].event_type", "nothing came; it must be a string"),
        ([{"event_type": " ", "arguments": []}], "event_list[0].event_type", "' ' came"),
        ([{"event_type": "结婚"}], "event_list[0].arguments", "there are 'event_type'"),
        ([event(), event(role=None)], "event_list[1].arguments[0].role", "None came"),
        ([event(argument="")], "event_list[0].arguments[0].argument", "something in it"),
        (
            [event(argument_start_index="3")],
            "event_list[0].arguments[0].argument_start_index",
            "'3'",
        ),
        (
            [event(argument_start_index=True)],
            "event_list[0].arguments[0].argument_start_index",
            "True",
        ),
        ([event(alias="小李")], "event_list[0].arguments[0].alias", "a list of strings"),
    ],
)
def test_what_cannot_be_understood_is_named(events: object, field: str, problem: str) -> None:
    with pytest.raises(DataError) as caught:
        read_events(row(events), TEXT, Notes())
    assert (caught.value.line, caught.value.field) == (7, field)
    assert problem in str(caught.value)


def test_a_row_without_events_says_so_with_an_empty_list() -> None:
    with pytest.raises(DataError, match="there is no such field; there are 'text'"):
        read_events(Record({"text": TEXT}, Path("a.json"), 1), TEXT, Notes())


def schema(folder: Path, *rows: dict[str, object], name: str = "schema.json") -> Path:
    write_jsonl(folder / name, rows)
    return folder / name


def kind(name: str, *roles: str) -> dict[str, object]:
    return {"event_type": name, "role_list": [{"role": role} for role in roles]}


def test_a_schema_in_its_order(tmp_path: Path) -> None:
    path = schema(tmp_path, kind("结婚", "时间", "双方"), kind("地震"), kind("离婚", "时间"))
    assert read_schema(path) == Schema(
        ("结婚", "地震", "离婚"), (("结婚", "时间"), ("结婚", "双方"), ("离婚", "时间"))
    )


def test_schemas_that_cannot_be_used(tmp_path: Path) -> None:
    for rows, problem in (
        (
            [kind("结婚", "时间"), kind("结婚")],
            "line 2, field 'event_type': '结婚' stands on line 1",
        ),
        ([kind("结婚", "时间", "时间")], r"role_list\[1\].role': '时间' is listed twice"),
        ([{"event_type": "结婚"}], "field 'role_list': there is no such field"),
        ([{"role_list": []}], "field 'event_type': nothing came"),
        ([kind("结婚")], "no event type has a role"),
    ):
        with pytest.raises(DataError, match=problem):
            read_schema(schema(tmp_path, *rows))
