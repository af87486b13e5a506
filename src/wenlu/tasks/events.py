"""Tasks that find events: which pieces of a text play which role in an event of which type.

What is learned is to find pieces, one type of piece for each pair of an event type and a role. Two
kinds of head do it. The GlobalPointer's score every piece for every pair, so nothing is lost and a
piece can play several roles. The CRF gives every token one tag, as the source does: of arguments
that overlap, or play several roles, only one is found ("bert4keras in hand: Baidu LIC2020").

Events of one type in a text are one event with all its arguments; triggers are not looked for.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from torch import nn

from wenlu.corpus import Record, read_records, write_jsonl
from wenlu.errors import ConfigError, DataError, closest
from wenlu.evaluation.counting import Counted, three_scores
from wenlu.evaluation.events import Argument, argument_counts
from wenlu.models import Model
from wenlu.models.sequence_tagger import SequenceTagger, Tagged
from wenlu.models.span_tagger import SPAN_HEADS, FoundSpans, SpanScores
from wenlu.tasks.event_layout import (
    EventArguments,
    Role,
    event_types,
    read_events,
    read_schema,
)
from wenlu.tasks.examples import Example, Ids, find_schema
from wenlu.tasks.overlaps import flat_types
from wenlu.tasks.span_layouts import Span
from wenlu.tasks.spans import MarkedText, SpanExtraction
from wenlu.tasks.task import Encoded, Notes
from wenlu.text import Tokenizer
from wenlu.text.tags import from_tags, number_of_tags, to_tags
from wenlu.training.span_dataset import SpanDataset
from wenlu.training.tag_dataset import TagDataset

HEADS = (*SPAN_HEADS, "crf")

Event = dict[str, Any]
"""{"event_type": ..., "arguments": [{"role": ..., "argument": ...}, ...]}"""


@dataclass(frozen=True, slots=True)
class EventText(Example[EventArguments]):
    """A text and what takes part in its events."""

    given_id: object = None
    """The id as the file has it; benchmarks want it back as it was."""


class FoundArgument(NamedTuple):
    """A piece of a text that plays a role in an event."""

    start: int
    end: int
    type: str
    role: str
    score: float | None
    """Above 0: at 0 it would not have been taken. None if the head gives no scores."""


@dataclass(frozen=True, slots=True)
class EventsFound:
    """What was found in one text."""

    id: str
    arguments: tuple[FoundArgument, ...]
    """In order of places; a mention each."""

    def events(self, text: str, *, places: bool = False) -> list[Event]:
        """An event for each type, with its arguments; each wording once a role.

        Args:
            text: in which they were found.
            places: whether to say where each argument stands, each mention for itself.
        """
        found: dict[str, dict[Any, dict[str, Any]]] = {}
        for start, end, kind, role, score in self.arguments:
            argument: dict[str, Any] = {"role": role, "argument": text[start:end]}
            key: Any = (role, text[start:end])
            if places:
                argument |= {"start": start, "end": end}
                argument |= {} if score is None else {"score": round(score, 4)}
                key = (role, start, end)
            found.setdefault(kind, {}).setdefault(key, argument)
        return [
            {"event_type": kind, "arguments": list(arguments.values())}
            for kind, arguments in found.items()
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class EventExtraction:
    """Find the arguments of events. A benchmark's task is a value of this class.

    Its methods are those of `wenlu.tasks.task.Task`, where they are described.
    """

    name: str
    summary: str
    """A sentence for people."""
    roles: tuple[Role, ...] = ()
    """The schema; empty if it is read from a file beside the data, or else from the data."""
    types: tuple[str, ...] = ()
    """All event types of a schema's file; empty if there was none."""
    flat: tuple[str, ...] = ()
    """Of `labels`, those of which no two arguments overlap, as read from the training data."""
    head: str = "global"
    """A name from `HEADS`."""
    train_files: tuple[str, ...] = ("train",)
    """Names of the training file without suffix; the first that exists is taken."""
    dev_files: tuple[str, ...] = ("dev", "validation", "valid")
    test_files: tuple[str, ...] = ("test",)
    submission_file: str = "predict.json"
    """Name of the benchmark's submission file."""
    max_length: int = 128
    """Tokens of an input at most, if the user says nothing else; longer texts are in windows."""
    kind = "spans"
    main_metric = "f1"
    text_fields = ("text",)
    fields = ("text", "event_list")
    names = MappingProxyType[str, str]({})

    def __post_init__(self) -> None:
        counts = Counter(self.labels)
        if twice := ", ".join(label for label in counts if counts[label] > 1):
            raise ConfigError(f"{self.name} has a role twice, or two that read the same: {twice}")

    @property
    def labels(self) -> tuple[str, ...]:
        """Event type and role of every pair, as the report writes them."""
        return tuple(f"{kind} · {role}" for kind, role in self.roles)

    @property
    def heads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.head, *HEADS)))

    def with_head(self, head: str) -> "EventExtraction":
        """This task with another head."""
        if head not in HEADS:
            raise ConfigError(f"no head {head!r} for {self.name}; there are {', '.join(HEADS)}")
        return replace(self, head=head)

    def with_schema(self, schema: str) -> "EventExtraction":
        """This task with the event types and roles of a file."""
        types, roles = read_schema(Path(schema))
        return self._with_roles(roles, Path(schema), types)

    def read(
        self, path: Path, *, labelled: bool = True, notes: Notes | None = None
    ) -> list[EventText]:
        """The examples of a file: JSONL or JSON in the layout of `wenlu.tasks.event_layout`.

        Raises:
            DataError: a row lacks its text or its events, or has one outside the schema.
        """
        task = self._with_schema_beside(path) if labelled and path.is_file() else self
        examples: list[EventText] = []
        ids, known = Ids(), set(task.roles)
        counted = Notes() if notes is None else notes
        for record in read_records(path):
            text, found = record.text("text"), None
            if labelled:
                found = read_events(record, text, counted)
                task._check_known(record, found, known)
            examples.append(EventText(ids.take(record), (text,), found, record.get("id")))
        return examples

    def _check_known(
        self, record: Record, arguments: EventArguments, known: Collection[Role]
    ) -> None:
        """Complain of what the schema has not; without its file, types without arguments pass."""
        for kind in event_types(record) if self.types else ():
            if kind not in self.types:
                raise record.error(self._outside(kind), "event_list")
        for kind, role, *_ in arguments if known else ():
            if (kind, role) not in known:
                raise record.error(self._outside(kind, role), "event_list")

    def _outside(self, kind: str, role: str = "") -> str:
        """What to say of a type, or of a role of it, that the schema has not."""
        types = self.types or tuple(dict.fromkeys(known for known, _ in self.roles))
        if kind not in types:
            near = closest(kind, types)
            return f"{kind!r} is no event type of the schema; the closest are {near}"
        roles = ", ".join(name for known, name in self.roles if known == kind) or "none"
        return f"{role!r} is no role of {kind!r} in the schema; it has {roles}"

    def adapt(self, examples: Sequence[Example[EventArguments]], path: Path) -> "EventExtraction":
        """With the schema beside the training file, or else what the training examples have."""
        adapted = self._with_schema_beside(path)
        if not adapted.roles:
            used = {argument[:2] for e in examples for argument in e.label or ()}
            if not used:
                raise DataError("no row has an argument, so there is nothing to learn", file=path)
            adapted = self._with_roles(sorted(used), path)
        return replace(adapted, flat=flat_types(_marked(e.label or ()) or () for e in examples))

    def _with_schema_beside(self, path: Path) -> "EventExtraction":
        """With the schema beside a data file, if there is one and this task has none yet."""
        schema = None if self.roles else find_schema(path)
        return self if schema is None else self.with_schema(str(schema))

    def _with_roles(
        self, roles: Sequence[Role], path: Path, types: tuple[str, ...] = ()
    ) -> "EventExtraction":
        """With the roles that a file has."""
        try:
            return replace(self, roles=tuple(roles), types=types)
        except ConfigError as error:
            raise DataError(str(error), file=path) from None

    @property
    def _pieces(self) -> SpanExtraction:
        """The task of finding the pieces, each pair of event type and role a type of piece."""
        head = "global" if self.head == "crf" else self.head
        return SpanExtraction(
            name=self.name, summary="", labels=self.labels, flat=self.flat, head=head
        )

    def encode(
        self,
        examples: Sequence[Example[EventArguments]],
        tokenizer: Tokenizer,
        *,
        max_length: int,
        segments: bool,
        training: bool = False,
        notes: Notes | None = None,
    ) -> Encoded:
        """A row for each window of each text."""
        counted = Notes()
        encoded = self._pieces.encode(
            [MarkedText(e.id, e.texts, _marked(e.label)) for e in examples],
            tokenizer,
            max_length=max_length,
            segments=segments,
            training=training,
            notes=counted,
        )
        if self.head == "crf":
            data = _tagged(encoded, tokenizer.pad_id, counted)
            encoded = encoded._replace(data=data)
        if notes is not None:
            notes.update({what.replace("entities", "arguments"): n for what, n in counted.items()})
        return encoded

    def build(self, model: Model, *, pooling: str) -> nn.Module:
        """A module that learns this task, from a model that knows language (or nothing yet)."""
        if self.head == "crf":
            return SequenceTagger(model, number_of_tags(len(self.roles)))
        return self._pieces.build(model, pooling=pooling)

    def collect(self, outputs: SpanScores | Tagged) -> list[FoundSpans]:
        """The pieces of each row."""
        if isinstance(outputs, Tagged):
            # The last tag is that of [SEP], which is in no piece.
            return [_found(from_tags(tags[:-1].tolist())) for tags in outputs.found or ()]
        return self._pieces.collect(outputs)

    def decode(
        self,
        found: Sequence[FoundSpans],
        examples: Sequence[Example[EventArguments]],
        encoded: Encoded,
    ) -> list[EventsFound]:
        """What was found in each text, each piece by the window that answers for it."""
        pair, scored = dict(zip(self.labels, self.roles, strict=True)), self.head != "crf"
        return [
            EventsFound(
                extraction.id,
                tuple(
                    FoundArgument(start, end, *pair[label], score if scored else None)
                    for (start, end, label), score in zip(
                        extraction.spans, extraction.scores, strict=True
                    )
                ),
            )
            for extraction in self._pieces.decode(found, examples, encoded)
        ]

    def score(
        self,
        examples: Sequence[Example[EventArguments]],
        predictions: Sequence[EventsFound],
    ) -> dict[str, Counted]:
        """DuEE's official F1 of arguments, precision and recall, in [0, 1]."""
        counts = argument_counts(
            [[Argument(a.type, a.role, a.mentions) for a in e.label or ()] for e in examples],
            [
                [
                    Argument(event["event_type"], argument["role"], (argument["argument"],))
                    for event in prediction.events(example.texts[0])
                    for argument in event["arguments"]
                ]
                for example, prediction in zip(examples, predictions, strict=True)
            ],
        )
        return three_scores(counts)

    def unseen(self, examples: Sequence[Example[EventArguments]]) -> list[str]:
        seen = {argument[:2] for e in examples for argument in e.label or () if argument.place}
        pairs = zip(self.roles, self.labels, strict=True)
        return [label for role, label in pairs if role not in seen]

    def submission(
        self,
        examples: Sequence[Example[EventArguments]],
        predictions: Sequence[EventsFound],
        path: Path,
    ) -> None:
        """DuEE's upload format: a line {"id", "event_list"} for each text, in their order."""
        write_jsonl(
            path,
            (
                {"id": _given_id(e), "event_list": p.events(e.texts[0])}
                for e, p in zip(examples, predictions, strict=True)
            ),
        )

    def check_submission(self, path: Path, examples: Sequence[Example[EventArguments]]) -> None:
        """Raise DataError unless the file has every test example once, in order, well-formed."""
        answers = list(read_records(path))
        if len(answers) != len(examples):
            raise DataError(f"{len(answers)} answers for {len(examples)} examples", file=path)
        known = set(self.roles)
        for record, example in zip(answers, examples, strict=True):
            if record.get("id") != _given_id(example):
                raise record.error(
                    f"{record.get('id')!r} stands where the test file has {_given_id(example)!r}",
                    "id",
                )
            found = read_events(record, example.texts[0], Notes())
            self._check_known(record, found, known)
            for argument in found:
                if argument.place is None:
                    raise record.error(
                        f"{argument.mentions[0]!r} does not occur in its text", "event_list"
                    )

    def saved(self) -> dict[str, Any]:
        roles = [list(role) for role in self.roles]
        return {
            "roles": roles,
            "types": list(self.types),
            "flat": list(self.flat),
            "head": self.head,
        }

    def restored(self, saved: Mapping[str, Any]) -> "EventExtraction":
        roles = tuple((kind, role) for kind, role in saved["roles"])
        types = tuple(saved.get("types", ()))  # which older runs have not
        return replace(
            self, roles=roles, types=types, flat=tuple(saved["flat"]), head=saved["head"]
        )

    def typed(self, texts: Sequence[tuple[str, ...]]) -> list[Example[EventArguments]]:
        return [EventText(str(i), row, None) for i, row in enumerate(texts)]

    def record(self, example: Example[EventArguments], prediction: EventsFound) -> dict[str, Any]:
        text = example.texts[0]
        events = prediction.events(text, places=True)
        return {"id": prediction.id, "text": text, "event_list": events}

    def compared(self, example: Example[EventArguments], prediction: EventsFound) -> dict[str, Any]:
        text = example.texts[0]
        gold = None
        if example.label is not None:
            gold = [
                {
                    "type": argument.type,
                    "role": argument.role,
                    "text": text[slice(*argument.place)]
                    if argument.place
                    else argument.mentions[0],
                    **dict(zip(("start", "end"), argument.place or (), strict=False)),
                }
                for argument in example.label
            ]
        found = [
            {k: v for k, v in argument._asdict().items() if v is not None}
            | {"text": text[argument.start : argument.end]}
            for argument in prediction.arguments
        ]
        return {"id": example.id, "text": text, "gold": gold, "predicted": found}

    def told(self, example: Example[EventArguments], prediction: EventsFound) -> str:
        lines = [example.texts[0]]
        for event in prediction.events(example.texts[0], places=True):
            lines.append(f"    {event['event_type']}")
            lines += [
                f"        {a['role']}  {a['argument']}  {a['start']}-{a['end']}"
                for a in event["arguments"]
            ]
        return "\n".join(lines if len(lines) > 1 else [*lines, "    nothing found"])


def _given_id(example: Example[EventArguments]) -> object:
    given = getattr(example, "given_id", None)
    return example.id if given is None else given


def _marked(label: EventArguments | None) -> tuple[Span, ...] | None:
    """The arguments that are in the text as pieces, each once."""
    if label is None:
        return None
    pieces = {Span(*a.place, f"{a.type} · {a.role}") for a in label if a.place is not None}
    return tuple(sorted(pieces))


def _tagged(encoded: Encoded, pad_id: int, notes: Notes) -> TagDataset:
    """The same rows with a tag for every token in place of pieces."""
    data, ids, tags = encoded.data, [], []
    assert isinstance(data, SpanDataset)
    known = True
    for number, place in enumerate(encoded.places):
        row = data.batch(np.array([number]))
        ids.append(row.ids[0].tolist())
        known = row.positives is not None
        if row.positives is None:
            continue
        pieces = [(kind, first, last) for _, kind, first, last in row.positives.tolist()]
        told, lost = to_tags(pieces, len(ids[-1]))
        tags.append(told)
        before = place.window.start - 1
        own = sum(place.window.answers(a + before, b + before) for _, a, b in lost)
        if own:
            notes["arguments that overlap one as long or longer, lost to one tag a token"] += own
    return TagDataset(ids, tags=tags if known else None, pad_id=pad_id)


def _found(pieces: Sequence[tuple[int, int, int]]) -> FoundSpans:
    types, first, last = np.array(pieces, np.int64).reshape(-1, 3).T
    return FoundSpans(types, first, last, np.ones(len(types), np.float32))


EVENTS = EventExtraction(
    name="events",
    summary="your own events, or the bundled sample: who did what, of your own types and roles "
    "(DuEE layout, schema beside it)",
)
