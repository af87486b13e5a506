"""The sample sets of entities and of events keep the properties that their README states."""

from collections import Counter
from itertools import chain, combinations
from typing import Any, NamedTuple

import pytest

from wenlu.assets import asset
from wenlu.corpus import read_records

from .overlap import nearly_equal

LABELLED, SPLITS = ("train", "dev"), ("train", "dev", "test")
TASKS = ("entities", "events")
TYPES = {"person", "place", "organization", "work", "time", "product"}
Row = dict[str, Any]


class Mention(NamedTuple):
    kind: str
    name: str
    start: int
    end: int
    """The index of the last character, as in CLUENER."""


def rows(task: str, name: str) -> list[Row]:
    return [record.fields for record in read_records(asset("samples", task, f"{name}.json"))]


def texts(task: str, split: str) -> list[str]:
    return [str(row["text"]) for row in rows(task, split)]


def mentions(row: Row) -> list[Mention]:
    return [
        Mention(kind, name, start, end)
        for kind, names in row["label"].items()
        for name, places in names.items()
        for start, end in places
    ]


def overlap(first: Mention, second: Mention) -> bool:
    return first.start <= second.end and second.start <= first.end


def within(inner: Mention, outer: Mention) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def schema() -> dict[str, set[str]]:
    """Event type -> its roles."""
    return {
        row["event_type"]: {role["role"] for role in row["role_list"]}
        for row in rows("events", "schema")
    }


def events(split: str) -> list[Row]:
    return [event for row in rows("events", split) for event in row["event_list"]]


def fillers(row: Row) -> list[tuple[str, int]]:
    """The arguments of a text: string and place, once for every role that one plays."""
    return [
        (argument["argument"], argument["argument_start_index"])
        for event in row["event_list"]
        for argument in event["arguments"]
    ]


@pytest.mark.parametrize(
    ("task", "least"), [("entities", (180, 60, 30)), ("events", (160, 50, 25))]
)
def test_there_is_enough_of_both(task: str, least: tuple[int, int, int]) -> None:
    for split, number in zip(SPLITS, least, strict=True):
        assert len(rows(task, split)) >= number


@pytest.mark.parametrize("task", TASKS)
def test_texts_are_clean(task: str) -> None:
    for text in chain.from_iterable(texts(task, split) for split in SPLITS):
        assert text == text.strip() != ""
        assert text.isprintable()
        assert 15 <= len(text) <= 70


@pytest.mark.parametrize("task", TASKS)
def test_no_text_comes_twice(task: str) -> None:
    every = [text for split in SPLITS for text in texts(task, split)]
    assert len(set(every)) == len(every)


@pytest.mark.parametrize("task", TASKS)
def test_no_two_texts_are_nearly_equal(task: str) -> None:
    assert nearly_equal(text for split in SPLITS for text in texts(task, split)) == []


def test_entities_have_the_layout_of_cluener() -> None:
    for split in LABELLED:
        assert all(list(row) == ["text", "label"] for row in rows("entities", split))
    test = rows("entities", "test")
    assert all(list(row) == ["id", "text"] for row in test)
    assert [row["id"] for row in test] == list(range(len(test)))


@pytest.mark.parametrize("split", LABELLED)
def test_an_entity_stands_where_its_offsets_say(split: str) -> None:
    for row in rows("entities", split):
        found = mentions(row)
        assert len(set(found)) == len(found)
        for mention in found:
            assert mention.name == mention.name.strip() != ""
            assert row["text"][mention.start : mention.end + 1] == mention.name


@pytest.mark.parametrize("split", LABELLED)
def test_entities_that_overlap_are_nested(split: str) -> None:
    for row in rows("entities", split):
        for first, second in combinations(mentions(row), 2):
            if overlap(first, second):
                assert within(first, second) != within(second, first)


@pytest.mark.parametrize("split", LABELLED)
def test_an_entity_that_comes_twice_is_labelled_twice(split: str) -> None:
    for row in rows("entities", split):
        found = mentions(row)
        for name in {mention.name for mention in found}:
            starts = [at for at in range(len(row["text"])) if row["text"].startswith(name, at)]
            for start in starts:
                end = start + len(name) - 1
                assert any(other.start <= start and end <= other.end for other in found), row


def test_a_name_has_one_type() -> None:
    kinds: dict[str, set[str]] = {}
    for mention in chain.from_iterable(
        mentions(row) for split in LABELLED for row in rows("entities", split)
    ):
        kinds.setdefault(mention.name, set()).add(mention.kind)
    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}


@pytest.mark.parametrize(("split", "least"), [("train", 5), ("dev", 1)])
def test_every_type_is_common(split: str, least: int) -> None:
    counts = Counter(mention.kind for row in rows("entities", split) for mention in mentions(row))
    assert counts.keys() == TYPES
    assert min(counts.values()) >= least


@pytest.mark.parametrize("split", LABELLED)
def test_entities_are_nested_and_repeated_here_and_there(split: str) -> None:
    found = [mentions(row) for row in rows("entities", split)]
    special = sum(
        any(overlap(*pair) for pair in combinations(row, 2))
        or len({(mention.kind, mention.name) for mention in row}) < len(row)
        for row in found
    )
    assert special >= len(found) / 8
    assert 0 < sum(not row for row in found) <= 0.1 * len(found)


def test_events_have_the_layout_of_duee() -> None:
    for row in rows("events", "schema"):
        assert list(row) == ["event_type", "role_list", "class", "id"]
        assert row["event_type"].startswith(f"{row['class']}-")
    for split in LABELLED:
        for row in rows("events", split):
            assert list(row) == ["id", "text", "event_list"]
            assert row["event_list"] != []
    assert all(list(row) == ["id", "text"] for row in rows("events", "test"))
    ids = [row["id"] for split in SPLITS for row in rows("events", split)]
    assert len(set(ids)) == len(ids)


def test_the_schema_has_eight_types_of_two_to_five_roles() -> None:
    assert len(schema()) == len(rows("events", "schema")) == 8
    assert all(2 <= len(roles) <= 5 for roles in schema().values())


@pytest.mark.parametrize("split", LABELLED)
def test_triggers_and_arguments_stand_where_their_offsets_say(split: str) -> None:
    for row in rows("events", split):
        for event in row["event_list"]:
            trigger = event["trigger"]
            assert trigger != ""
            assert row["text"].startswith(trigger, event["trigger_start_index"])
            assert event["trigger_start_index"] >= 0
            for argument in event["arguments"]:
                name, start = argument["argument"], argument["argument_start_index"]
                assert name == name.strip() != ""
                assert start >= 0
                assert row["text"][start : start + len(name)] == name
                assert argument["alias"] == []


@pytest.mark.parametrize("split", LABELLED)
def test_types_and_roles_are_declared(split: str) -> None:
    declared = schema()
    for event in events(split):
        assert event["event_type"] == f"{event['class']}-{event['event_type'].split('-')[-1]}"
        assert event["arguments"] != []
        assert {argument["role"] for argument in event["arguments"]} <= declared[
            event["event_type"]
        ]


@pytest.mark.parametrize("split", LABELLED)
def test_no_argument_is_given_twice_in_the_same_role(split: str) -> None:
    for event in events(split):
        given = [(each["role"], each["argument_start_index"]) for each in event["arguments"]]
        assert len(set(given)) == len(given)


@pytest.mark.parametrize(("split", "least"), [("train", 5), ("dev", 1)])
def test_every_type_and_role_is_common(split: str, least: int) -> None:
    types = Counter(event["event_type"] for event in events(split))
    roles = Counter(
        (event["event_type"], argument["role"])
        for event in events(split)
        for argument in event["arguments"]
    )
    declared = schema()
    assert types.keys() == declared.keys()
    assert roles.keys() == {(kind, role) for kind, names in declared.items() for role in names}
    assert min(*types.values(), *roles.values()) >= least


@pytest.mark.parametrize("split", LABELLED)
def test_some_texts_are_harder(split: str) -> None:
    """Two events, an argument in two roles, an argument whose string occurs twice."""
    found = rows("events", split)
    assert sum(len(row["event_list"]) > 1 for row in found) >= 5
    assert sum(len(set(fillers(row))) < len(fillers(row)) for row in found) >= 3
    assert sum(any(row["text"].count(name) > 1 for name, _ in fillers(row)) for row in found) >= 3
