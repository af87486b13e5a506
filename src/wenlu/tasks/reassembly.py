"""From flat findings (subject, predicate, slot, text) back to relations whose object has slots.

A predicate of one slot gives a relation for each subject and text: a film with three actors has
three. Where an object has several slots, the text of `@value` anchors a relation, and each text of
another slot goes to the anchor that stands nearest to it, the earlier of two equally near. An
anchor that got several texts of one slot makes a relation of each; one that got none of a slot
leaves that slot out. A text without any anchor gives nothing.

What this rule cannot tell: which anchors share one text, such as a film in which one actor plays
two parts, and texts that stand nearer to another anchor than to their own.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

VALUE = "@value"
"""The slot that an object cannot do without."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text; its place is None if it does not stand there."""

    text: str
    start: int | None = None
    end: int | None = None
    """Exclusive: text[start:end] is the piece."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A subject, a predicate, and an object that may have several slots."""

    subject: Piece
    predicate: str
    object: tuple[tuple[str, Piece], ...]
    """Slots in their order."""


class Finding(NamedTuple):
    """One slot of a relation."""

    subject: Piece
    predicate: str
    slot: str
    piece: Piece


Places = Mapping[str, list[Piece]]
"""The places of each text, in order."""


def flattened(relations: Iterable[Relation]) -> list[Finding]:
    """Each slot of each relation on its own, each once."""
    return list(
        dict.fromkeys(
            Finding(relation.subject, relation.predicate, slot, piece)
            for relation in relations
            for slot, piece in relation.object
        )
    )


def reassembled(findings: Iterable[Finding]) -> list[Relation]:
    """Relations, different ones, in order of their subjects, predicates and anchors.

    A subject or text that was found at several places is one; it is given the first of them.

    Args:
        findings: of one text; all pieces have a place.
    """
    groups: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in sorted(set(findings), key=_order):
        groups[finding.subject.text, finding.predicate].append(finding)
    return [relation for group in groups.values() for relation in _relations(group)]


def _relations(group: list[Finding]) -> Iterable[Relation]:
    """The relations of one subject and predicate."""
    slots: dict[str, dict[str, list[Piece]]] = defaultdict(lambda: defaultdict(list))
    for finding in group:
        slots[finding.slot][finding.piece.text].append(finding.piece)
    anchors = slots.pop(VALUE, {})
    held: dict[str, dict[str, list[Piece]]] = {anchor: defaultdict(list) for anchor in anchors}
    for slot in sorted(slots):
        for places in slots[slot].values():
            if nearest := _nearest(places, anchors):
                held[nearest][slot].append(places[0])
    for anchor, places in anchors.items():
        own = {**held[anchor], VALUE: [places[0]]}
        names = sorted(own)
        for chosen in product(*(own[name] for name in names)):
            slots_of = tuple(zip(names, chosen, strict=True))
            yield Relation(group[0].subject, group[0].predicate, slots_of)


def _nearest(pieces: list[Piece], anchors: Places) -> str | None:
    """The anchor with the fewest characters between it and one of the places of a text."""
    return min(
        anchors,
        key=lambda anchor: (
            min(_gap(one, other) for one in anchors[anchor] for other in pieces),
            _start(anchors[anchor][0]),
        ),
        default=None,
    )


def _gap(one: Piece, other: Piece) -> int:
    first, second = sorted((one, other), key=_start)
    return max(0, _start(second) - (first.end or 0))


def _start(piece: Piece) -> int:
    return -1 if piece.start is None else piece.start


def _order(finding: Finding) -> tuple[object, ...]:
    subject, piece = finding.subject, finding.piece
    return (
        *(_start(subject), subject.end or 0, finding.predicate, _start(piece), piece.end or 0),
        *(finding.slot, piece.text, subject.text),
    )
