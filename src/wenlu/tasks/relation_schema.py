"""Which relations there are: predicates, the slots of their objects, and what fills them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from wenlu.corpus import Record, read_records
from wenlu.errors import DataError
from wenlu.tasks.examples import find_schema
from wenlu.tasks.reassembly import VALUE, Relation

_EXAMPLE = (
    '{"predicate": "上映时间", "subject_type": "影视作品", '
    '"object_type": {"@value": "Date", "inArea": "地点"}}'
)


@dataclass(frozen=True, slots=True)
class Predicate:
    """A predicate, with the type of its subject and of each slot of its object."""

    name: str
    subject_type: str
    slots: tuple[tuple[str, str], ...]
    """Slots and types, in order of the slots; "@value" comes first."""


@dataclass(frozen=True)
class Schema:
    """The predicates, in order."""

    predicates: tuple[Predicate, ...]
    plain: bool = False
    """An object is its text and has no slots, as in the older layout of LIC2019."""
    given: bool = True
    """A file says so. Otherwise it is what the training data have, and others may have more."""

    @cached_property
    def flat(self) -> tuple[tuple[str, str], ...]:
        """Predicate and slot of each flat relation, in the order of the classes."""
        return tuple((p.name, slot) for p in self.predicates for slot, _ in p.slots)

    @cached_property
    def by_name(self) -> Mapping[str, Predicate]:
        """The predicates by name."""
        return {p.name: p for p in self.predicates}

    def saved(self) -> dict[str, Any]:
        """As JSON can hold it."""
        rows = [[p.name, p.subject_type, [list(slot) for slot in p.slots]] for p in self.predicates]
        return {"predicates": rows, "plain": self.plain, "given": self.given}

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> "Schema":
        """What `saved` gave."""
        predicates = tuple(
            Predicate(name, kind, tuple((slot, what) for slot, what in slots))
            for name, kind, slots in saved["predicates"]
        )
        return cls(predicates, saved["plain"], saved["given"])


def read_schema(path: Path) -> Schema:
    """A schema file: on each line a predicate with its types, as DuIE and LIC2019 have it.

    A predicate that comes twice, for subjects of several types, is one; its first types are used.

    Raises:
        DataError: the file is no schema; says which line, and what would do.
    """
    found: dict[str, tuple[str, dict[str, str]]] = {}
    plain = True
    for record in read_records(path):
        absent = [name for name in ("predicate", "object_type") if record.get(name) is None]
        if absent:
            raise record.error(f"this is no schema: a line of one reads {_EXAMPLE}", absent[0])
        name = record.text("predicate")
        kind = record.text("subject_type") if record.get("subject_type") is not None else ""
        slots = record.get("object_type")
        plain &= isinstance(slots, str)
        if isinstance(slots, str):
            slots = {VALUE: slots}
        if not isinstance(slots, dict) or not all(isinstance(t, str) for t in slots.values()):
            raise record.error(
                f"{slots!r} came; it must be the type of the object, or slots with their types: "
                f'{{"@value": "Date", "inArea": "地点"}}',
                "object_type",
            )
        if not name.strip() or VALUE not in slots:
            what = "the predicate is empty" if not name.strip() else f"there is no slot {VALUE!r}"
            raise record.error(f"{what}; a line of a schema reads {_EXAMPLE}")
        types = found.setdefault(name, (kind, {}))[1]
        for slot, what in slots.items():
            types.setdefault(slot, what)
    return _schema(found, plain=plain, given=True)


def schema_beside(path: Path) -> Schema | None:
    """The schema in the folder of a data file, if there is one."""
    found = find_schema(path)
    return None if found is None else read_schema(found)


def schema_of(relations: Iterable[Relation], path: Path) -> Schema:
    """What the training data have, in order of names; types are the most frequent in `path`."""
    slots: dict[str, set[str]] = defaultdict(set)
    for relation in relations:
        slots[relation.predicate].update(slot for slot, _ in relation.object)
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    types: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    plain = True
    for record in read_records(path):
        for spo in _spos(record):
            name, what = str(spo.get("predicate")), spo.get("object_type")
            plain &= isinstance(spo.get("object"), str)
            if isinstance(spo.get("subject_type"), str):
                kinds[name][spo["subject_type"]] += 1
            for slot, kind in (what if isinstance(what, dict) else {VALUE: what}).items():
                if isinstance(kind, str):
                    types[name, slot][kind] += 1
    if not slots:
        raise DataError("no row has a relation, so there is nothing to learn", file=path)
    found = {
        name: (_most(kinds[name]), {slot: _most(types[name, slot]) for slot in slots[name]})
        for name in sorted(slots)
    }
    return _schema(found, plain=plain, given=False)


def _schema(
    found: Mapping[str, tuple[str, Mapping[str, str]]], *, plain: bool, given: bool
) -> Schema:
    predicates = tuple(
        Predicate(name, kind, tuple(sorted(slots.items()))) for name, (kind, slots) in found.items()
    )
    return Schema(predicates, plain, given)


def _spos(record: Record) -> list[dict[str, Any]]:
    spos = record.get("spo_list")
    return [spo for spo in spos if isinstance(spo, dict)] if isinstance(spos, list) else []


def _most(counts: Counter[str]) -> str:
    """The most frequent, the first by name of several; empty if there is none."""
    return min(counts, key=lambda name: (-counts[name], name), default="")
