"""Texts with marked pieces, in the layouts that people have; a row's fields tell which it is.

- `label`: {type: {piece: [[start, end], ...]}}, the end inclusive (CLUENER)
- `entities` or `entity_list`: a list of objects, each with a `type` (or `entity_type`), a place:
  `start_idx` and `end_idx`, inclusive (CMeEE), or `start` and `end`, exclusive, or `entity_index`
  with `begin` and `end`, exclusive; and, if it likes, the piece itself as `entity` or `text`
- `tags` beside `tokens`: B-, I- and O, or B-, M-, E-, S- and O (also I- for M-)

A piece that is given in words is held against the text. If it does not stand where its offsets say,
the nearest place is taken, and if it is nowhere, it is left out; both are counted.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from wenlu.corpus import Record
from wenlu.tasks.task import Notes
from wenlu.text import nearest


class Span(NamedTuple):
    """A piece of a text: text[start:end]."""

    start: int
    end: int
    type: str


Spans = tuple[Span, ...]
"""Of one text: in order, all different; they may overlap."""

FIELDS = ("entities", "entity_list", "tags", "label")
"""Fields that hold what is marked; the first that a row has is read."""

_OFF = "entities that do not stand where their offsets say, found nearby"
_NOWHERE = "entities that are nowhere in their text, left out"
_EMPTY = "entities of no characters, left out"
_TWICE = "entities that are listed twice"
_BEGUN = "I- tags without a B- tag before them, read as B-"


def read_text(record: Record) -> str:
    """The text of a row, or its tokens as a text: a space stands between two words only."""
    if "text" in record.fields or "tokens" not in record.fields:
        return record.text("text")
    return "".join(_joined(_tokens(record)))


def marked_field(record: Record) -> str | None:
    """The field that says what is marked in a row, if one does."""
    return next((field for field in FIELDS if record.get(field) is not None), None)


def read_spans(record: Record, text: str, notes: Notes) -> Spans:
    """What is marked in a row's text.

    Raises:
        DataError: nothing says what is marked, or it cannot be understood.
    """
    field = marked_field(record)
    if field is None:
        has = ", ".join(map(repr, record.fields)) or "none"
        raise record.error(
            f"no field holds the labelled spans: looked for {', '.join(FIELDS)}; "
            f"the row's fields are {has}"
        )
    if field == "label":
        found = list(_by_type(record, text, notes))
    elif field == "tags":
        found = list(_by_tag(record, text, notes))
    else:
        found = list(_by_entity(record, field, text, notes))
    found = [span for span in found if span.start < span.end]  # tokens may be empty
    spans = tuple(sorted(set(found)))
    if len(spans) < len(found):
        notes[_TWICE] += len(found) - len(spans)
    return spans


def _by_type(record: Record, text: str, notes: Notes) -> Iterator[Span]:
    label = record.get("label")
    if not isinstance(label, Mapping):
        raise record.error('it must be {"type": {"span": [[start, end], ...]}, ...}', "label")
    for kind, pieces in label.items():
        field = f"label.{kind}"
        if not isinstance(pieces, Mapping):
            raise record.error('it must be {"span": [[start, end], ...], ...}', field)
        for piece, places in pieces.items():
            if not isinstance(places, list):
                raise record.error(f"{piece!r} must have a list of [start, end]", field)
            for place in places:
                if not (isinstance(place, list) and len(place) == 2):
                    raise record.error(f"{place!r} came for {piece!r}, not [start, end]", field)
                start, last = (_number(record, value, field) for value in place)
                yield from _placed(record, text, Span(start, last + 1, kind), piece, field, notes)


_PLACES = (("start_idx", "end_idx", 1), ("start", "end", 0), ("begin", "end", 0))


def _by_entity(record: Record, field: str, text: str, notes: Notes) -> Iterator[Span]:
    entities = record.get(field)
    if not isinstance(entities, list):
        raise record.error('it must be a list: [{"start": 0, "end": 2, "type": ...}, ...]', field)
    for number, entity in enumerate(entities):
        where = f"{field}[{number}]"
        if not isinstance(entity, Mapping):
            raise record.error('it must be an object: {"start": 0, "end": 2, "type": ...}', where)
        within = entity.get("entity_index", entity)
        names = next(
            (p for p in _PLACES if isinstance(within, Mapping) and {*p[:2]} <= within.keys()), None
        )
        if names is None:
            raise record.error(
                "it must say where it is: start and end (exclusive), or start_idx and end_idx "
                f"(inclusive); its fields are {', '.join(map(repr, entity))}",
                where,
            )
        first, last, inclusive = names
        start, end = (_number(record, within[name], f"{where}.{name}") for name in (first, last))
        kind = entity.get("type", entity.get("entity_type"))
        if not isinstance(kind, str) or not kind:
            raise record.error(f"{kind!r} came; the type must be a name, in quotes", where)
        piece = entity.get("entity", entity.get("text"))
        if piece is not None and not isinstance(piece, str):
            raise record.error(f"{piece!r} came; the span must be a string, in quotes", where)
        yield from _placed(record, text, Span(start, end + inclusive, kind), piece, where, notes)


def _placed(
    record: Record, text: str, span: Span, piece: str | None, field: str, notes: Notes
) -> Iterator[Span]:
    """The piece at its place; where the two do not agree, the piece counts."""
    start, end, kind = span
    if 0 <= start < end <= len(text) and piece in (None, text[start:end]):
        yield span
        return
    if not piece:
        if start == end:
            notes[_EMPTY] += 1
            return
        raise record.error(
            f"characters {start} to {end} (exclusive) are not inside a text of {len(text)}", field
        )
    found = nearest(text, piece, start)
    if found is None:
        notes[_NOWHERE] += 1
        return
    notes[_OFF] += 1
    yield Span(found, found + len(piece), kind)


def _number(record: Record, value: object, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise record.error(f"{value!r} came; it must be a whole number of characters", field)
    return value


def _tokens(record: Record) -> list[str]:
    tokens = record.get("tokens")
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise record.error("it must be a list of strings", "tokens")
    return tokens


def _joined(tokens: list[str]) -> list[str]:
    """The tokens as they stand in the text, with a space before some of them."""
    if max(map(len, tokens), default=0) < 2:
        return tokens  # characters
    return [
        f" {token}" if _are_words(before, token) else token
        for before, token in zip(["", *tokens], tokens, strict=False)
    ]


def _are_words(before: str, token: str) -> bool:
    """Whether two tokens are words with a space between; single letters are one word, cut up."""
    meet = before[-1:] + token[:1]
    letters = len(meet) == 2 and meet.isascii() and meet.isalnum()
    return letters and (len(before) > 1 or len(token) > 1)


_MARKS = ("B", "I", "M", "E", "S")


def _by_tag(record: Record, text: str, notes: Notes) -> Iterator[Span]:
    tags, tokens = record.get("tags"), _tokens(record)
    if not isinstance(tags, list) or len(tags) != len(tokens):
        count = len(tags) if isinstance(tags, list) else "no list of"
        raise record.error(f"{count} tags came for {len(tokens)} tokens", "tags")
    pieces = _joined(tokens)
    if "".join(pieces) != text:
        raise record.error("the tokens do not make up the text; leave out the text", "tokens")
    begun: Span | None = None
    end = 0
    for token, piece, tag in zip(tokens, pieces, tags, strict=True):
        end += len(piece)
        if tag == "O":  # which most are
            if begun is not None:
                yield begun
                begun = None
            continue
        mark, _, kind = tag.partition("-") if isinstance(tag, str) else ("", "", "")
        if mark not in _MARKS or not kind:
            raise record.error(
                f"{tag!r} came; a tag is O, or B-, I-, M-, E- or S- and a type", "tags"
            )
        goes_on = mark in ("I", "M", "E")
        if goes_on and begun is not None and begun.type == kind:
            begun = begun._replace(end=end)
        else:
            if begun is not None:
                yield begun
            if goes_on:
                notes[_BEGUN] += 1
            begun = Span(end - len(token), end, kind)
        if mark in ("E", "S"):
            yield begun
            begun = None
    if begun is not None:
        yield begun
