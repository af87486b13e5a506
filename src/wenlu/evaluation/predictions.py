"""The lines of `dev.predictions.jsonl`: what a model said beside what is right, by kind of task.

The kinds are those that tasks state. Lines are read leniently: what a line lacks is empty, a
line without its texts or its prediction is left out, and what was odd is named in `notes`.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeGuard, TypeVar

from wenlu.evaluation.records import Record, number, record


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model said about one text, or one pair of texts."""

    texts: tuple[str, ...]
    gold: str | None
    """None where the text has no gold label."""
    predicted: str
    probabilities: dict[str, float] = field(default_factory=dict)
    """Of the likeliest labels; empty if the run did not keep them."""
    id: str = ""

    @property
    def confidence(self) -> float | None:
        """Probability of the predicted label, where known."""
        return self.probabilities.get(self.predicted)

    @property
    def right(self) -> bool:
        """Whether the prediction is all that it should be."""
        return self.gold == self.predicted

    @property
    def asked(self) -> Hashable:
        """What was asked, with what is right."""
        return self.texts, self.gold


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text that is something: an entity, or what plays a role in an event."""

    type: str
    text: str
    start: int | None = None
    end: int | None = None
    """Code points, the end exclusive; None where the line says no place inside the text."""
    role: str = ""

    @property
    def label(self) -> str:
        """Type and role."""
        return f"{self.type} · {self.role}" if self.role else self.type

    @property
    def place(self) -> Hashable:
        """Where it stands, or what it says where that is not known."""
        return self.text if self.start is None else (self.start, self.end)


@dataclass(frozen=True, slots=True)
class Triple:
    """A relation: a subject, a predicate, and an object that may have several slots."""

    subject: str
    predicate: str
    object: tuple[tuple[str, str], ...]
    """Slots in their order, each with its text."""

    @property
    def label(self) -> str:
        """The predicate."""
        return self.predicate

    @property
    def place(self) -> Hashable:
        """What it joins; neither case nor book-title marks count, as in DuIE's scoring."""
        slots = frozenset((slot, _plain(text)) for slot, text in self.object)
        return _plain(self.subject), slots


Found = TypeVar("Found", Span, Triple)


@dataclass(frozen=True, slots=True)
class _FoundIn(Generic[Found]):
    """What was found in one text."""

    text: str
    gold: tuple[Found, ...] | None
    predicted: tuple[Found, ...]
    id: str = ""

    @property
    def right(self) -> bool:
        """Whether the prediction is all that it should be."""
        return self.gold is not None and _places(self.gold) == _places(self.predicted)

    @property
    def asked(self) -> Hashable:
        """What was asked, with what is right."""
        return self.text, None if self.gold is None else _places(self.gold)


class SpanPrediction(_FoundIn[Span]):
    """The spans of one text."""


class TriplePrediction(_FoundIn[Triple]):
    """The relations of one text."""


@dataclass(frozen=True, slots=True)
class AnswerPrediction:
    """An answer to a question, cut from a text."""

    question: str
    context: str
    gold: tuple[str, ...] | None
    """Any of these is right."""
    predicted: str
    start: int | None = None
    end: int | None = None
    """Where the predicted answer stands in the context; None where that is not known."""
    score: float | None = None
    """How sure the model is, on a scale of its own."""
    scores: dict[str, float] = field(default_factory=dict)
    """What the answer is worth, by metric: "exact_match", "f1"."""
    id: str = ""

    @property
    def right(self) -> bool:
        """Whether the prediction is all that it should be."""
        exact = self.scores.get("exact_match")
        return exact == 1.0 if exact is not None else self.predicted in (self.gold or ())

    @property
    def worth(self) -> float:
        """F1 with the nearest right answer; where the line does not say it, whether it is right."""
        return self.scores.get("f1", float(self.right))

    @property
    def asked(self) -> Hashable:
        """What was asked, with what is right."""
        return self.question, self.context, self.gold


@dataclass(frozen=True, slots=True)
class ChoicePrediction:
    """One of several choices."""

    texts: tuple[str, ...]
    choices: tuple[str, ...]
    gold: int | None
    """Number of the right choice, from 0."""
    predicted: int
    probabilities: tuple[float, ...] = ()
    """One a choice; empty if the run did not keep them."""
    id: str = ""

    @property
    def confidence(self) -> float | None:
        """Probability of the predicted choice, where known."""
        return self.probabilities[self.predicted] if self.probabilities else None

    @property
    def right(self) -> bool:
        """Whether the prediction is all that it should be."""
        return self.gold == self.predicted

    @property
    def asked(self) -> Hashable:
        """What was asked, with what is right."""
        return self.texts, self.choices, self.gold


AnyPrediction = Prediction | SpanPrediction | TriplePrediction | AnswerPrediction | ChoicePrediction


def kind_of(row: Record) -> str:
    """The kind of task that a line looks like, for a run that did not get to say it."""
    if "choices" in row:
        return "choices"
    if "question" in row:
        return "answers"
    pieces = [each for key in ("gold", "predicted") for each in _list(row.get(key))]
    if any(isinstance(each, dict) and "predicate" in each for each in pieces):
        return "relations"
    return "spans" if "text" in row and isinstance(row.get("predicted"), list) else "labels"


def read_predictions(
    rows: Sequence[Record], kind: str, notes: list[str]
) -> tuple[AnyPrediction, ...]:
    """Lines as predictions.

    Args:
        rows: the objects of the lines.
        kind: one of `READERS`.
        notes: what could not be used is added to it, in sentences.
    """
    if kind not in READERS:
        if rows:
            known = ", ".join(READERS)
            notes.append(
                f"the predictions are of a kind that this version does not know, {kind!r} (it "
                f"knows {known}), and were left out"
            )
        return ()
    odd: Counter[str] = Counter()
    found = tuple(each for row in rows for each in READERS[kind](row, odd))
    notes += [f"dev.predictions.jsonl: {what} ({_times(count)})" for what, count in odd.items()]
    return found


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _labels(row: Record, _: Counter[str]) -> Iterator[Prediction]:
    if "predicted" not in row:
        return
    texts, gold, chances = row.get("texts"), row.get("gold"), record(row.get("probabilities"))
    yield Prediction(
        texts=tuple(map(str, texts)) if isinstance(texts, list) else (),
        gold=None if gold is None else str(gold),
        predicted=str(row["predicted"]),
        probabilities={
            str(label): min(max(chance, 0.0), 1.0)
            for label in chances
            if (chance := number(chances, label)) is not None
        },
        id=_id(row),
    )


def _spans(row: Record, odd: Counter[str]) -> Iterator[SpanPrediction]:
    text, gold = row.get("text"), row.get("gold")
    if not isinstance(text, str) or not isinstance(row.get("predicted"), list):
        odd["a line without a text and a list of predicted spans was left out"] += 1
        return
    yield SpanPrediction(
        text=text,
        gold=_span_list(gold, text, odd) if isinstance(gold, list) else None,
        predicted=_span_list(row["predicted"], text, odd),
        id=_id(row),
    )


def _span_list(items: list[Any], text: str, odd: Counter[str]) -> tuple[Span, ...]:
    found = []
    for item in items:
        if not isinstance(item, dict):
            odd["a span that is no object with a type was left out"] += 1
            continue
        place = _place(item, text)
        said = item.get("text")
        if place is None:
            odd["a span has no place inside its text"] += 1
        elif isinstance(said, str) and text[slice(*place)] != said:
            odd["a span has another text than what stands at its offsets"] += 1
        if not isinstance(said, str):
            said = "" if place is None else text[slice(*place)]
        role, (start, end) = item.get("role"), place or (None, None)
        found.append(
            Span(str(item.get("type", "")), said, start, end, "" if role is None else str(role))
        )
    return tuple(found)


def _place(item: Record, text: str) -> tuple[int, int] | None:
    start, end = item.get("start"), item.get("end")
    if type(start) is int and type(end) is int and 0 <= start < end <= len(text):
        return start, end
    return None


def _relations(row: Record, odd: Counter[str]) -> Iterator[TriplePrediction]:
    text, gold = row.get("text"), row.get("gold")
    if not isinstance(text, str) or not isinstance(row.get("predicted"), list):
        odd["a line without a text and a list of predicted relations was left out"] += 1
        return
    yield TriplePrediction(
        text=text,
        gold=_triples(gold, odd) if isinstance(gold, list) else None,
        predicted=_triples(row["predicted"], odd),
        id=_id(row),
    )


def _triples(items: list[Any], odd: Counter[str]) -> tuple[Triple, ...]:
    found = []
    for item in items:
        if not isinstance(item, dict) or not {"subject", "predicate", "object"} <= item.keys():
            odd["a relation without subject, predicate and object was left out"] += 1
            continue
        slots = item["object"]
        if not isinstance(slots, dict) or isinstance(slots.get("start"), int):
            slots = {"@value": slots}
        found.append(
            Triple(
                _words(item["subject"]),
                str(item["predicate"]),
                tuple((str(slot), _words(value)) for slot, value in slots.items()),
            )
        )
    return tuple(found)


def _answers(row: Record, odd: Counter[str]) -> Iterator[AnswerPrediction]:
    question, context = row.get("question"), row.get("context")
    if not isinstance(question, str) or not isinstance(context, str) or "predicted" not in row:
        odd["a line without question, context and prediction was left out"] += 1
        return
    said, gold, scores = row["predicted"], row.get("gold"), record(row.get("scores"))
    said = said if isinstance(said, dict) else {"text": said}
    predicted, place = _words(said), _place(said, context)
    if place is not None and predicted != context[slice(*place)]:
        odd["a span has another text than what stands at its offsets"] += 1
    if place is None and predicted and said.get("start") is not None:
        odd["a span has no place inside its text"] += 1
    gold = [gold] if isinstance(gold, str) else gold
    yield AnswerPrediction(
        question=question,
        context=context,
        gold=tuple(dict.fromkeys(map(_words, gold))) if isinstance(gold, list) else None,
        predicted=predicted,
        start=None if place is None else place[0],
        end=None if place is None else place[1],
        score=number(said, "score"),
        scores={
            str(metric): float(value)
            for metric, value in scores.items()
            if isinstance(value, bool) or number(scores, metric) is not None
        },
        id=_id(row),
    )


def _choices(row: Record, odd: Counter[str]) -> Iterator[ChoicePrediction]:
    choices, chosen, gold = _list(row.get("choices")), row.get("predicted"), row.get("gold")
    if not _is_number_of(chosen, choices) or not (gold is None or _is_number_of(gold, choices)):
        odd["a line without choices and the number of the predicted one was left out"] += 1
        return
    texts, shares = row.get("texts"), _list(row.get("probabilities"))
    known = [value for each in shares if (value := number({"": each}, "")) is not None]
    yield ChoicePrediction(
        texts=tuple(map(str, texts)) if isinstance(texts, list) else (),
        choices=tuple(map(_words, choices)),
        gold=gold,
        predicted=chosen,
        probabilities=tuple(min(max(each, 0.0), 1.0) for each in known)
        if len(known) == len(choices)
        else (),
        id=_id(row),
    )


READERS: dict[str, Callable[[Record, Counter[str]], Iterator[AnyPrediction]]] = {
    "labels": _labels,
    "spans": _spans,
    "answers": _answers,
    "choices": _choices,
    "relations": _relations,
}
"""What reads a line of each kind, and counts what was odd in it."""


def _is_number_of(value: object, choices: list[Any]) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < len(choices)


def _id(row: Record) -> str:
    return str(row.get("id", ""))


def _words(value: object) -> str:
    """The text of a piece, which may be an object that also says its place."""
    if isinstance(value, dict):
        value = value.get("text", value.get("@value"))
    return "" if value is None else str(value)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _plain(text: str) -> str:
    text = text.lower()
    return text[1:-1] if len(text) > 1 and (text[0], text[-1]) == ("《", "》") else text


def _places(pieces: tuple[Span, ...] | tuple[Triple, ...]) -> frozenset[Hashable]:
    return frozenset((each.label, each.place) for each in pieces)
