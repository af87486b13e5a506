"""Texts with events, and the schema of their types and roles, as DuEE 1.0 lays them out.

A row has `text` and `event_list`: objects with `event_type` and `arguments`, which are objects with
`role`, `argument` (a piece of the text), `argument_start_index` and, if it likes, `alias` (a list
of other names). A row of the schema has `event_type` and `role_list`: [{"role": ...}, ...].
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from wenlu.corpus import Record, read_records
from wenlu.errors import DataError
from wenlu.tasks.task import Notes
from wenlu.text import nearest

Role = tuple[str, str]
"""An event type, and what takes part in its events."""


class Schema(NamedTuple):
    """Which events there are."""

    types: tuple[str, ...]
    """Of events; some may have no roles."""
    roles: tuple[Role, ...]


class EventArgument(NamedTuple):
    """What plays a role in an event."""

    type: str
    role: str
    mentions: tuple[str, ...]
    """What it is called: as the text has it, and other names."""
    place: tuple[int, int] | None
    """Start and end in the text; None if it is nowhere."""


EventArguments = tuple[EventArgument, ...]
"""Those of all events of a text; an argument of two events is there twice."""

_OFF = "arguments that do not stand where their index says, found nearby"
_NOWHERE = "arguments that are nowhere in their text, out of reach"
_WITHOUT = "arguments without an index, taken where they stand first"
_BLANKS = "arguments with blanks at their ends, marked without them"
_EMPTY = "events without arguments, nothing to find"


def read_events(record: Record, text: str, notes: Notes) -> EventArguments:
    """The arguments of a row's events.

    Raises:
        DataError: the row has no list of events, or one that cannot be understood.
    """
    found = []
    for place, event in _objects(record, record, "event_list", '[{"event_type": ...}, ...]'):
        kind = _name(event, "event_type", place)
        arguments = list(_objects(record, event, "arguments", '[{"role": ...}, ...]', place))
        if not arguments:
            notes[_EMPTY] += 1
        for where, argument in arguments:
            role, said = (_name(argument, name, where) for name in ("role", "argument"))
            others = argument.get("alias")
            if others is None:
                others = []
            if not isinstance(others, list) or not all(isinstance(name, str) for name in others):
                raise record.error("it must be a list of strings", f"{where}.alias")
            mentions = (said, *(name for name in others if name))
            found.append(
                EventArgument(kind, role, mentions, _placed(argument, text, said, where, notes))
            )
    return tuple(found)


def event_types(record: Record) -> list[str]:
    """The types of a row's events, which `read_events` has read; they may have no arguments."""
    events: Any = record.get("event_list")
    return [event["event_type"] for event in events]


def read_schema(path: Path) -> Schema:
    """The event types, and the roles of each, in the order of the file.

    Raises:
        DataError: a row lacks its type or its roles, or repeats one.
    """
    lines: dict[str, int] = {}
    roles: list[Role] = []
    for record in read_records(path):
        kind = _name(record, "event_type", "")
        if kind in lines:
            raise record.error(f"{kind!r} stands on line {lines[kind]} too", "event_type")
        lines[kind] = record.line
        for place, entry in _objects(record, record, "role_list", '[{"role": ...}, ...]'):
            role = (kind, _name(entry, "role", place))
            if role in roles:
                raise record.error(f"{role[1]!r} is listed twice", f"{place}.role")
            roles.append(role)
    if not roles:
        raise DataError("no event type has a role, so there is nothing to find", file=path)
    return Schema(tuple(lines), tuple(roles))


def _placed(
    argument: Record, text: str, said: str, field: str, notes: Notes
) -> tuple[int, int] | None:
    """Where an argument stands; where its index does not agree, what it says counts."""
    index = argument.get("argument_start_index")
    if index is not None and (isinstance(index, bool) or not isinstance(index, int)):
        raise argument.error(
            f"{index!r} came; it must be the number of the argument's first character, from 0",
            f"{field}.argument_start_index",
        )
    start = nearest(text, said, 0 if index is None else index)
    if start is None:
        notes[_NOWHERE] += 1
        return None
    if index is None:
        notes[_WITHOUT] += 1
    elif index != start:
        notes[_OFF] += 1
    bare = said.strip()
    if bare != said:
        notes[_BLANKS] += 1
        start += len(said) - len(said.lstrip())
    return start, start + len(bare)


def _name(record: Record, field: str, place: str) -> str:
    """A field that must be a text with something in it."""
    value = record.get(field)
    if not isinstance(value, str) or not value.strip():
        came = repr(value) if field in record.fields else "nothing"
        raise record.error(
            f"{came} came; it must be a string with something in it",
            f"{place}.{field}" if place else field,
        )
    return value


def _objects(
    row: Record, parent: Record, field: str, example: str, place: str = ""
) -> Iterator[tuple[str, Record]]:
    """The objects in a list, each as a record with its place in the row."""
    where = f"{place}.{field}" if place else field
    if field not in parent.fields:
        has = ", ".join(map(repr, parent.fields)) or "none"
        raise row.error(f"there is no such field; there are {has}. It must be {example}", where)
    values = parent.get(field)
    if not isinstance(values, list):
        raise row.error(f"it must be a list: {example}", where)
    for number, value in enumerate(values):
        if not isinstance(value, Mapping):
            raise row.error(
                f"{value!r} came; it must be an object: {example}", f"{where}[{number}]"
            )
        yield f"{where}[{number}]", Record(dict(value), row.file, row.line)
