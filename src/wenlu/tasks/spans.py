"""Tasks that find pieces of a text and say what they are: named entities and the like.

Pieces may overlap, stand inside each other and be of several types at once; of a type whose pieces
never do in the training data, none do in what is found (see `wenlu.tasks.overlaps`).

A text that is longer than the model's input is read in windows, in training as in prediction;
neighbours share a quarter of their tokens, and each piece is left to the one window whose middle is
nearest to its own (see `wenlu.text.windows`), so that nothing is found twice, nor cut off at a
window's edge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from wenlu.corpus import read_records, write_jsonl
from wenlu.errors import ConfigError, DataError, closest
from wenlu.evaluation.counting import Counted, macro_f1_score, piece_scores
from wenlu.models import Model
from wenlu.models.span_tagger import SPAN_HEADS, FoundSpans, SpanScores, SpanTagger, found_spans
from wenlu.tasks.examples import Example, Ids
from wenlu.tasks.overlaps import flat_types, without_overlaps
from wenlu.tasks.span_layouts import Span, Spans, marked_field, read_spans, read_text
from wenlu.tasks.task import Encoded, Notes
from wenlu.tasks.windowed import Place, windowed
from wenlu.text import Offsets, Tokenizer
from wenlu.training.span_dataset import SpanDataset, TokenSpan


@dataclass(frozen=True, slots=True)
class MarkedText(Example[Spans]):
    """A text and the pieces that are marked in it."""

    given_id: object = None
    """The id as the file has it; benchmarks want it back as it was."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """What was found in one text."""

    id: str
    spans: Spans
    scores: tuple[float, ...]
    """Of each span, above 0: at 0 it would not have been taken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpanExtraction:
    """Find pieces of a text and say what they are. A benchmark's task is a value of this class.

    Its methods are those of `wenlu.tasks.task.Task`, where they are described.
    """

    name: str
    summary: str
    """A sentence for people."""
    labels: tuple[str, ...] = ()
    """The types in the order of the classes; empty if they are read from the training data."""
    names: MappingProxyType[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Names of types for people, where types are codes."""
    flat: tuple[str, ...] = ()
    """Types of which no two pieces of a text overlap, as read from the training data."""
    head: str = "efficient"
    """A name from `SPAN_HEADS`."""
    main_metric: str = "f1"
    train_files: tuple[str, ...] = ("train",)
    """Names of the training file without suffix; the first that exists is taken."""
    dev_files: tuple[str, ...] = ("dev", "validation", "valid")
    test_files: tuple[str, ...] = ("test",)
    submission_file: str = "predict.json"
    """Name of the benchmark's submission file."""
    max_length: int = 256
    """Tokens of an input at most, if the user says nothing else."""
    kind = "spans"
    text_fields = ("text",)
    fields = ("text", "label")

    @property
    def heads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.head, *SPAN_HEADS)))

    def with_head(self, head: str) -> "SpanExtraction":
        """This task with another head."""
        if head not in SPAN_HEADS:
            raise ConfigError(
                f"no head {head!r} for {self.name}; there are {', '.join(SPAN_HEADS)}"
            )
        return replace(self, head=head)

    def read(
        self, path: Path, *, labelled: bool = True, notes: Notes | None = None
    ) -> list[MarkedText]:
        """The examples of a file: JSONL or JSON in a layout of `wenlu.tasks.span_layouts`.

        Raises:
            DataError: a row lacks its text or what is marked in it, or a type is unknown.
        """
        examples: list[MarkedText] = []
        ids, known = Ids(), set(self.labels)
        counted = Notes() if notes is None else notes
        for record in read_records(path):
            text = read_text(record)
            spans = read_spans(record, text, counted) if labelled else None
            for kind in {span.type for span in spans or ()} - known if known else ():
                near = closest(kind, self.labels)
                raise record.error(
                    f"{kind!r} is not a type of {self.name}; the closest are {near}",
                    marked_field(record),
                )
            examples.append(MarkedText(ids.take(record), (text,), spans, record.get("id")))
        return examples

    def adapt(self, examples: Sequence[Example[Spans]], path: Path) -> "SpanExtraction":
        """With the types of the training examples, if it has none of its own, and the flat ones."""
        flat = flat_types(e.label or () for e in examples)
        if self.labels:
            return replace(self, flat=flat)
        found = sorted({span.type for e in examples for span in e.label or ()})
        if not found:
            raise DataError("no row has a labelled span, so there is nothing to learn", file=path)
        return replace(self, labels=tuple(found), flat=flat)

    def encode(
        self,
        examples: Sequence[Example[Spans]],
        tokenizer: Tokenizer,
        *,
        max_length: int,
        segments: bool,  # noqa: ARG002
        training: bool = False,  # noqa: ARG002
        notes: Notes | None = None,
    ) -> Encoded:
        """A row for each window of each text."""
        counted = Notes() if notes is None else notes
        rows, places, offsets, unknown = windowed(
            [e.texts[0] for e in examples], tokenizer, max_length=max_length, notes=counted
        )
        spans = None
        if examples and all(e.label is not None for e in examples):
            spans = self._marked(examples, places, offsets, counted)
        data = SpanDataset(rows, spans, pad_id=tokenizer.pad_id)
        return Encoded(data, 0, unknown, places)

    def _marked(
        self,
        examples: Sequence[Example[Spans]],
        places: Sequence[Place],
        offsets: Offsets,
        notes: Notes,
    ) -> list[list[TokenSpan]]:
        """The spans of each row, [CLS] being its token 0."""
        index = {label: number for number, label in enumerate(self.labels)}
        marked = [
            (n, s.start, s.end, index[s.type])
            for n, e in enumerate(examples)
            for s in e.label or ()
        ]
        numbers, starts, ends, types = np.array(marked, np.int64).reshape(-1, 4).T
        first, last = offsets.tokens(numbers, starts, ends)
        if unaligned := int((first < 0).sum()):
            notes["entities that begin or end inside a token, out of reach"] += unaligned
        rows_of: list[list[int]] = [[] for _ in examples]
        for row, place in enumerate(places):
            rows_of[place.example].append(row)
        found: list[list[TokenSpan]] = [[] for _ in places]
        columns = (numbers, types, first, last)
        for number, kind, a, b in zip(*(column.tolist() for column in columns), strict=True):
            holding = [row for row in rows_of[number] if places[row].window.holds(a, b)]
            if a >= 0 and not holding:
                notes["entities too long for any window, out of reach"] += 1
            for row in holding if a >= 0 else ():
                before = places[row].window.start - 1
                found[row].append((kind, a - before, b - before))
        return found

    def build(self, model: Model, *, pooling: str) -> SpanTagger:  # noqa: ARG002
        """A module that learns this task, from a model that knows language (or nothing yet)."""
        return SpanTagger(model, len(self.labels), head=self.head)

    def collect(self, outputs: SpanScores) -> list[FoundSpans]:
        """The spans of each row that score above 0."""
        return found_spans(outputs.scores)

    def decode(
        self, found: Sequence[FoundSpans], examples: Sequence[Example[Any]], encoded: Encoded
    ) -> list[Extraction]:
        """What was found in each text, each piece by the window that answers for it."""
        scores: list[dict[Span, float]] = [{} for _ in examples]
        for row, (number, window, offsets) in zip(found, encoded.places, strict=True):
            if not len(row.types):
                continue
            first, last = row.first + (window.start - 1), row.last + (window.start - 1)
            own = (window.low <= first + last) & (first + last < window.high)
            starts, ends = offsets.spans(np.array(number), first[own], last[own])
            for start, end, kind, score in zip(
                starts.tolist(),
                ends.tolist(),
                row.types[own].tolist(),
                row.scores[own].tolist(),
                strict=True,
            ):
                span = Span(start, end, self.labels[kind])
                # Tokens that share their characters can give a span more than once.
                scores[number][span] = max(score, scores[number].get(span, 0.0))
        extractions = []
        for example, of in zip(examples, scores, strict=True):
            kept = without_overlaps(of, self.flat, len(example.texts[0]))
            spans = tuple(sorted(kept))
            extractions.append(Extraction(example.id, spans, tuple(kept[span] for span in spans)))
        return extractions

    def score(
        self, examples: Sequence[Example[Spans]], predictions: Sequence[Extraction]
    ) -> dict[str, Counted]:
        """F1, precision and recall over all spans, and CLUENER's official score, in [0, 1]."""
        gold, predicted = [e.label or () for e in examples], [p.spans for p in predictions]
        texts = [e.texts[0] for e in examples]
        official = macro_f1_score(_words(texts, gold), _words(texts, predicted), self.labels)
        return {**piece_scores(gold, predicted), "macro_f1": official}

    def unseen(self, examples: Sequence[Example[Spans]]) -> list[str]:
        seen = {span.type for e in examples for span in e.label or ()}
        return [label for label in self.labels if label not in seen]

    def submission(
        self, examples: Sequence[Example[Spans]], predictions: Sequence[Extraction], path: Path
    ) -> None:
        """CLUENER's upload format: the test file's rows with a `label` as in the training file."""
        write_jsonl(
            path,
            (
                {"id": _given_id(e), "text": e.texts[0], "label": _by_type(e.texts[0], p.spans)}
                for e, p in zip(examples, predictions, strict=True)
            ),
        )

    def check_submission(self, path: Path, examples: Sequence[Example[Spans]]) -> None:
        """Raise DataError unless the file has every test example once, in order, well-formed."""
        answers = list(read_records(path))
        if len(answers) != len(examples):
            raise DataError(f"{len(answers)} answers for {len(examples)} examples", file=path)
        for record, example in zip(answers, examples, strict=True):
            if record.get("id") != _given_id(example):
                raise record.error(
                    f"{record.get('id')!r} stands where the test file has {_given_id(example)!r}",
                    "id",
                )
            if record.text("text") != example.texts[0]:
                raise record.error("it is not the text of the test file", "text")
            wrong = Notes()
            kinds = {span.type for span in read_spans(record, example.texts[0], wrong)}
            if wrong:
                raise record.error(f"there are {next(iter(wrong))}", "label")
            for kind in kinds - set(self.labels):
                raise record.error(f"{kind!r} is not a type of {self.name}", "label")

    def saved(self) -> dict[str, Any]:
        return {
            "labels": list(self.labels),
            "names": dict(self.names),
            "flat": list(self.flat),
            "head": self.head,
        }

    def restored(self, saved: Mapping[str, Any]) -> "SpanExtraction":
        return replace(
            self,
            labels=tuple(saved["labels"]),
            names=MappingProxyType(dict(saved["names"])),
            flat=tuple(saved["flat"]),
            head=saved["head"],
        )

    def typed(self, texts: Sequence[tuple[str, ...]]) -> list[Example[Spans]]:
        return [MarkedText(str(i), row, None) for i, row in enumerate(texts)]

    def record(self, example: Example[Spans], prediction: Extraction) -> dict[str, Any]:
        text = example.texts[0]
        return {"id": prediction.id, "text": text, "entities": _scored(text, prediction)}

    def compared(self, example: Example[Spans], prediction: Extraction) -> dict[str, Any]:
        text = example.texts[0]
        return {
            "id": example.id,
            "text": text,
            "gold": None if example.label is None else [_told(text, s) for s in example.label],
            "predicted": [_told(text, span) for span in prediction.spans],
        }

    def told(self, example: Example[Spans], prediction: Extraction) -> str:
        text = example.texts[0]
        found = [
            f"    {self.names.get(s.type, s.type)}  {text[s.start : s.end]}  {s.start}-{s.end}"
            for s in prediction.spans
        ]
        return "\n".join([text, *(found or ["    nothing found"])])


def _given_id(example: Example[Spans]) -> object:
    given = getattr(example, "given_id", None)
    return example.id if given is None else given


def _words(texts: Sequence[str], spans: Sequence[Spans]) -> list[list[tuple[str, str]]]:
    return [
        [(kind, text[start:end]) for start, end, kind in found]
        for text, found in zip(texts, spans, strict=True)
    ]


def _told(text: str, span: Span) -> dict[str, Any]:
    return {**span._asdict(), "text": text[span.start : span.end]}


def _scored(text: str, prediction: Extraction) -> list[dict[str, Any]]:
    return [
        {**_told(text, span), "score": round(score, 4)}
        for span, score in zip(prediction.spans, prediction.scores, strict=True)
    ]


def _by_type(text: str, spans: Spans) -> dict[str, dict[str, list[list[int]]]]:
    """The spans in the layout of CLUENER, whose ends are inclusive."""
    found: dict[str, dict[str, list[list[int]]]] = {}
    for start, end, kind in spans:
        found.setdefault(kind, {}).setdefault(text[start:end], []).append([start, end - 1])
    return found
