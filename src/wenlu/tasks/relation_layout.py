"""The rows of DuIE and LIC2019: a text and its `spo_list`.

    {"text": "《活着》是余华写的", "spo_list": [{"subject": "活着", "subject_type": "图书作品",
     "predicate": "作者", "object": {"@value": "余华"}, "object_type": {"@value": "人物"}}]}

In the older layout (LIC2019) `object` and `object_type` are plain strings. Types may be left out.
The data do not say where in the text a piece stands: it is the first place that does not lie inside
a longer piece of the same row (where 中国海洋大学 is one, 中国 is looked for elsewhere), or else
the first place.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from wenlu.corpus import Record
from wenlu.errors import closest
from wenlu.tasks.reassembly import VALUE, Piece, Relation
from wenlu.tasks.relation_schema import Schema
from wenlu.tasks.task import Notes


def read_relations(
    record: Record, text: str, schema: Schema | None, notes: Notes
) -> tuple[Relation, ...]:
    """The relations of a row, different ones.

    Args:
        record: the row.
        text: its text.
        schema: if it was given, a predicate or slot that it has not is an error; of one that was
            made from the training data, that is noted.
        notes: counts of what was odd are added to it.
    """
    spos = record.get("spo_list")
    if not isinstance(spos, list):
        raise record.error(
            'it must be a list of relations, such as [{"subject": "活着", "predicate": "作者", '
            '"object": {"@value": "余华"}}]; an empty one where a text has none',
            "spo_list",
        )
    read = [relation for spo in spos if (relation := _read(record, spo, schema, notes))]
    found = located(text, read)
    pieces = {piece for r in found for piece in (r.subject, *(piece for _, piece in r.object))}
    if absent := sum(piece.start is None for piece in pieces):
        notes["subjects and objects that are not in their text, out of reach"] += absent
    different = tuple(dict.fromkeys(found))
    if len(different) < len(found):
        notes["relations that their row has twice"] += len(found) - len(different)
    return different


def _read(record: Record, spo: object, schema: Schema | None, notes: Notes) -> Relation | None:
    """One relation, without places; None if a part of it is empty."""
    if not isinstance(spo, dict):
        raise record.error(f"{spo!r} came; a relation is an object", "spo_list")
    names = [_text(record, spo, name) for name in ("subject", "predicate")]
    given = spo.get("object")
    slots = given if isinstance(given, dict) else {VALUE: given}
    texts = {slot: _text(record, slots, slot) for slot in slots}
    filled = {slot: piece for slot, piece in texts.items() if piece.strip()}
    if not all(name.strip() for name in names) or not filled:
        notes["relations with an empty subject, predicate or object, left out"] += 1
        return None
    if len(filled) < len(texts):
        notes["slots of objects that are empty, left out"] += len(texts) - len(filled)
    if VALUE not in filled:
        notes[f"relations without {VALUE}, out of reach"] += 1
    check_known(record, names[1], filled, schema, notes)
    pieces = tuple((slot, Piece(piece)) for slot, piece in sorted(filled.items()))
    return Relation(Piece(names[0]), names[1], pieces)


def _text(record: Record, of: Mapping[str, Any], name: str) -> str:
    value = of.get(name)
    if not isinstance(value, str):
        raise record.error(f"a relation has {value!r} as its {name}; it must be text", "spo_list")
    return value


def check_known(
    record: Record, predicate: str, slots: Collection[str], schema: Schema | None, notes: Notes
) -> None:
    """Complain if the schema has no such predicate, or it no such slots."""
    if schema is None:
        return
    known = schema.by_name.get(predicate)
    if known is None:
        if schema.given:
            near = closest(predicate, schema.by_name)
            raise record.error(
                f"{predicate!r} is not a predicate of the schema; the closest are {near}",
                "spo_list",
            )
        notes["relations whose predicate is not in the training data, out of reach"] += 1
        return
    own = [slot for slot, _ in known.slots]
    for slot in slots:
        if slot in own:
            continue
        if schema.given:
            raise record.error(
                f"{slot!r} is not a slot of {predicate!r} in the schema, which has "
                f"{', '.join(own)}",
                "spo_list",
            )
        notes["slots of objects that are not in the training data, out of reach"] += 1


def located(text: str, relations: Sequence[Relation]) -> list[Relation]:
    """The same relations, with the places of their pieces."""
    words = {r.subject.text for r in relations}
    words |= {piece.text for r in relations for _, piece in r.object}
    places = {word: _places(text, word) for word in words}
    pieces = {}
    for word, starts in places.items():
        longer = [
            (start, start + len(other))
            for other in words
            if len(other) > len(word) and word in other
            for start in places[other]
        ]
        free = [
            start
            for start in starts
            if not any(low <= start and start + len(word) <= high for low, high in longer)
        ]
        start = next(iter(free or starts), None)
        pieces[word] = Piece(word, start, None if start is None else start + len(word))
    return [
        Relation(
            pieces[r.subject.text],
            r.predicate,
            tuple((slot, pieces[piece.text]) for slot, piece in r.object),
        )
        for r in relations
    ]


def _places(text: str, word: str) -> list[int]:
    """Where a word starts in a text, also where it overlaps itself."""
    found, start = [], text.find(word)
    while start >= 0:
        found.append(start)
        start = text.find(word, start + 1)
    return found
