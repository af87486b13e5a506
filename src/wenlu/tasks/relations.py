"""Tasks that find relations: which subject has which predicate with which object.

A relation whose object has several slots is learned as several flat ones, one for each predicate
and slot, and put together again after prediction (`wenlu.tasks.reassembly`). A text that is longer
than the model's input is read in windows that share a quarter of their tokens; what several of
them find counts once.
"""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wenlu.atomic import atomic_write
from wenlu.corpus import Record, read_records, write_jsonl
from wenlu.errors import ConfigError, DataError
from wenlu.evaluation.counting import Counted
from wenlu.evaluation.relations import Spo, relation_counts
from wenlu.models import Model
from wenlu.models.relation_tagger import RelationsFound, RelationTagger
from wenlu.tasks.examples import Example, Ids
from wenlu.tasks.reassembly import VALUE, Finding, Piece, Relation, reassembled
from wenlu.tasks.relation_layout import read_relations
from wenlu.tasks.relation_schema import Schema, read_schema, schema_beside, schema_of
from wenlu.tasks.submissions import json_lines
from wenlu.tasks.task import Encoded, Notes
from wenlu.tasks.windowed import Place, windowed
from wenlu.text import Offsets, Tokenizer
from wenlu.training.relation_dataset import RelationDataset

Relations = tuple[Relation, ...]


@dataclass(frozen=True, slots=True)
class FoundRelations:
    """What was found in one text."""

    id: str
    relations: Relations


@dataclass(frozen=True, kw_only=True, slots=True)
class RelationExtraction:
    """Find relations in a text. A benchmark's task is a value of this class.

    Its methods are those of `wenlu.tasks.task.Task`, where they are described.
    """

    name: str
    summary: str
    """A sentence for people."""
    schema: Schema | None = None
    """By default the one beside the training data, or else what these data have."""
    start_threshold: float = 0.4
    """A subject or an object starts at a token if its probability is more."""
    end_threshold: float = 0.4
    """And ends where that is more."""
    train_files: tuple[str, ...] = ("train",)
    """Names of the training file without suffix; the first that exists is taken."""
    dev_files: tuple[str, ...] = ("dev", "validation", "valid")
    test_files: tuple[str, ...] = ("test",)
    submission_file: str = "predict.json"
    """Name of the submission file; zipped if it ends in .zip."""
    max_length: int = 256
    """Tokens of an input at most, if the user says nothing else."""
    heads = ()
    kind = "relations"
    main_metric = "f1"
    text_fields = ("text",)
    fields = ("text", "spo_list")

    def __post_init__(self) -> None:
        for name in ("start_threshold", "end_threshold"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} is a probability; got {getattr(self, name)}")

    @property
    def labels(self) -> tuple[str, ...]:
        """The flat relations: the predicate, and its slot if that is not `@value`."""
        return tuple(_flat_name(*flat) for flat in self._flat)

    @property
    def names(self) -> Mapping[str, str]:
        slots = {_flat_name(*flat): flat for flat in self._flat if flat[1] != VALUE}
        return MappingProxyType({label: " · ".join(flat) for label, flat in slots.items()})

    @property
    def _flat(self) -> tuple[tuple[str, str], ...]:
        return () if self.schema is None else self.schema.flat

    def with_schema(self, path: str) -> "RelationExtraction":
        """This task with the schema of a file."""
        return replace(self, schema=read_schema(Path(path)))

    def read(
        self, path: Path, *, labelled: bool = True, notes: Notes | None = None
    ) -> list[Example[Relations]]:
        """The examples of a file in a layout of `wenlu.tasks.relation_layout`.

        Raises:
            DataError: a row lacks its text or relations, or has one that the schema has not.
        """
        counted = Notes() if notes is None else notes
        schema = self.schema
        if schema is None and labelled and path.is_file():
            schema = schema_beside(path)
        examples, ids = [], Ids()
        for record in read_records(path):
            text = record.text("text")
            found = read_relations(record, text, schema, counted) if labelled else None
            examples.append(Example(ids.take(record), (text,), found))
        return examples

    def adapt(self, examples: Sequence[Example[Relations]], path: Path) -> "RelationExtraction":
        """With the schema beside the training data, or that of the training examples."""
        if self.schema is not None:
            return self
        relations = (relation for e in examples for relation in e.label or ())
        return replace(self, schema=schema_beside(path) or schema_of(relations, path))

    def encode(
        self,
        examples: Sequence[Example[Relations]],
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
        subjects, triples = None, None
        if examples and all(e.label is not None for e in examples):
            subjects, triples = self._marked(examples, places, offsets, counted)
        data = RelationDataset(rows, subjects=subjects, triples=triples, pad_id=tokenizer.pad_id)
        return Encoded(data, 0, unknown, places)

    def _marked(
        self,
        examples: Sequence[Example[Relations]],
        places: Sequence[Place],
        offsets: Offsets,
        notes: Notes,
    ) -> tuple[list[list[tuple[int, ...]]], list[list[tuple[int, ...]]]]:
        """The subjects and the triples of each row, [CLS] being its token 0."""
        index = {flat: number for number, flat in enumerate(self._flat)}
        flat = [
            (n, r.subject.start, r.subject.end, index[r.predicate, slot], piece.start, piece.end)
            for n, e in enumerate(examples)
            for r in e.label or ()
            for slot, piece in r.object
            if r.subject.start is not None and (r.predicate, slot) in index
        ]
        # A piece that is not in its text (None) has no tokens, as one that begins inside a token.
        table = [[-1 if x is None else x for x in row] for row in flat]
        numbers, starts, ends, kinds, others, tails = np.array(table, np.int64).reshape(-1, 6).T
        first, last = offsets.tokens(numbers, starts, ends)
        head, tail = offsets.tokens(numbers, others, tails)
        if unaligned := int(((first < 0) | ((head < 0) & (others >= 0))).sum()):
            what = (
                "relations with a span that starts or ends inside a token, which cannot be learned"
            )
            notes[what] += unaligned
        rows_of: list[list[int]] = [[] for _ in examples]
        for row, place in enumerate(places):
            rows_of[place.example].append(row)
        subjects: list[dict[tuple[int, ...], None]] = [{} for _ in places]
        triples: list[dict[tuple[int, ...], None]] = [{} for _ in places]
        columns = (numbers, first, last, kinds, head, tail)
        for number, a, b, kind, c, d in zip(*(column.tolist() for column in columns), strict=True):
            holding = [n for n in rows_of[number] if a >= 0 and places[n].window.holds(a, b)]
            whole = [n for n in holding if c >= 0 and places[n].window.holds(c, d)]
            if a >= 0 and c >= 0 and not whole:
                notes["relations that are too far apart for any window, out of reach"] += 1
            for n in holding:
                before = places[n].window.start - 1
                subjects[n][a - before, b - before] = None
            for n in whole:
                before = places[n].window.start - 1
                triples[n][a - before, b - before, kind, c - before, d - before] = None
        return [sorted(row) for row in subjects], [sorted(row) for row in triples]

    def build(self, model: Model, *, pooling: str) -> RelationTagger:  # noqa: ARG002
        """A module that learns this task, from a model that knows language (or nothing yet)."""
        return RelationTagger(
            model,
            len(self._flat),
            start_threshold=self.start_threshold,
            end_threshold=self.end_threshold,
        )

    def collect(self, outputs: RelationsFound) -> list[NDArray[np.int64]]:
        """The triples (t 5) of each row."""
        return outputs.found or []

    def decode(
        self,
        found: Sequence[NDArray[np.int64]],
        examples: Sequence[Example[Relations]],
        encoded: Encoded,
    ) -> list[FoundRelations]:
        """The relations of each text, put together from what its windows found."""
        findings: list[list[Finding]] = [[] for _ in examples]
        flat = self._flat
        for triples, (number, window, offsets) in zip(found, encoded.places, strict=True):
            a, b, kinds, c, d = triples.T
            before, text, of = window.start - 1, examples[number].texts[0], np.array(number)
            subjects = _pieces(text, *offsets.spans(of, a + before, b + before))
            objects = _pieces(text, *offsets.spans(of, c + before, d + before))
            findings[number] += [
                Finding(subject, flat[kind][0], flat[kind][1], piece)
                for subject, kind, piece in zip(subjects, kinds.tolist(), objects, strict=True)
            ]
        return [
            FoundRelations(example.id, tuple(reassembled(own)))
            for example, own in zip(examples, findings, strict=True)
        ]

    def score(
        self, examples: Sequence[Example[Relations]], predictions: Sequence[FoundRelations]
    ) -> dict[str, Counted]:
        """The official F1, with precision and recall, in [0, 1]."""
        counts = relation_counts(
            [_spos(e.label or ()) for e in examples], [_spos(p.relations) for p in predictions]
        )
        return {
            "f1": Counted("f1_of_ratios", counts),
            "precision": Counted("ratio", counts[:, :2]),
            "recall": Counted("ratio", counts[:, 2:]),
        }

    def unseen(self, examples: Sequence[Example[Relations]]) -> list[str]:
        seen = {
            _flat_name(r.predicate, slot)
            for e in examples
            for r in e.label or ()
            for slot, _ in r.object
        }
        return [label for label in self.labels if label not in seen]

    def submission(
        self,
        examples: Sequence[Example[Relations]],
        predictions: Sequence[FoundRelations],
        path: Path,
    ) -> None:
        """The test file's texts with an `spo_list` as in the training file; zipped for a .zip."""
        rows = [
            {"text": e.texts[0], "spo_list": [self._spo(r) for r in p.relations]}
            for e, p in zip(examples, predictions, strict=True)
        ]
        if path.suffix.lower() != ".zip":
            write_jsonl(path, rows)
            return
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(zipfile.ZipInfo(f"{path.stem}.json"), lines, zipfile.ZIP_DEFLATED)
        with atomic_write(path, "wb") as out:
            out.write(packed.getvalue())

    def check_submission(self, path: Path, examples: Sequence[Example[Relations]]) -> None:
        """Raise DataError unless the file has every test text once, in order, well-formed."""
        answers = list(_answers(path))
        if len(answers) != len(examples):
            raise DataError(f"{len(answers)} answers for {len(examples)} examples", file=path)
        for record, example in zip(answers, examples, strict=True):
            text = example.texts[0]
            if record.text("text") != text:
                raise record.error("it is not the text of the test file", "text")
            wrong = Notes()
            relations = read_relations(record, text, self.schema, wrong)
            if wrong:
                raise record.error(f"there are {next(iter(wrong))}", "spo_list")
            if record.get("spo_list") != [self._spo(relation) for relation in relations]:
                raise record.error("types or objects are not as the schema has them", "spo_list")

    def _spo(self, relation: Relation) -> dict[str, Any]:
        """A relation in the layout of the data, with the types of the schema."""
        known = None if self.schema is None else self.schema.by_name.get(relation.predicate)
        types = dict(known.slots) if known is not None else {}
        pieces = {slot: piece.text for slot, piece in relation.object}
        plain = self.schema is not None and self.schema.plain
        return {
            "subject": relation.subject.text,
            "subject_type": known.subject_type if known is not None else "",
            "predicate": relation.predicate,
            "object": pieces[VALUE] if plain else pieces,
            "object_type": types[VALUE]
            if plain
            else {slot: types.get(slot, "") for slot in pieces},
        }

    def saved(self) -> dict[str, Any]:
        return {
            "labels": list(self.labels),
            "names": dict(self.names),
            "schema": None if self.schema is None else self.schema.saved(),
            "start_threshold": self.start_threshold,
            "end_threshold": self.end_threshold,
        }

    def restored(self, saved: Mapping[str, Any]) -> "RelationExtraction":
        return replace(
            self,
            schema=None if saved["schema"] is None else Schema.restored(saved["schema"]),
            start_threshold=saved["start_threshold"],
            end_threshold=saved["end_threshold"],
        )

    def typed(self, texts: Sequence[tuple[str, ...]]) -> list[Example[Relations]]:
        return [Example(str(i), row, None) for i, row in enumerate(texts)]

    def record(self, example: Example[Relations], prediction: FoundRelations) -> dict[str, Any]:
        spos = [{**self._spo(r), **_places(r)} for r in prediction.relations]
        return {"id": prediction.id, "text": example.texts[0], "spo_list": spos}

    def compared(self, example: Example[Relations], prediction: FoundRelations) -> dict[str, Any]:
        gold = example.label
        return {
            "id": example.id,
            "text": example.texts[0],
            "gold": None if gold is None else [_compared(r) for r in gold],
            "predicted": [_compared(r) for r in prediction.relations],
        }

    def told(self, example: Example[Relations], prediction: FoundRelations) -> str:
        lines = [example.texts[0]]
        for r in prediction.relations:
            pieces = dict(r.object)
            more = "，".join(f"{slot} {pieces[slot].text}" for slot in pieces if slot != VALUE)
            value = pieces[VALUE].text
            lines.append(
                f"    {r.subject.text}  {r.predicate}  {value}{f'（{more}）' if more else ''}"
            )
        return "\n".join(lines if prediction.relations else [*lines, "    nothing found"])


def _flat_name(predicate: str, slot: str) -> str:
    return predicate if slot == VALUE else f"{predicate}_{slot}"


def _pieces(text: str, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> list[Piece]:
    places = zip(starts.tolist(), ends.tolist(), strict=True)
    return [Piece(text[start:end], start, end) for start, end in places]


def _spos(relations: Relations) -> list[Spo]:
    return [
        Spo(r.subject.text, r.predicate, {slot: piece.text for slot, piece in r.object})
        for r in relations
    ]


def _places(relation: Relation) -> dict[str, Any]:
    """Start and end of every piece; null for what is not in the text."""
    return {
        "subject_span": _span(relation.subject),
        "object_spans": {slot: _span(piece) for slot, piece in relation.object},
    }


def _span(piece: Piece) -> list[int | None] | None:
    return None if piece.start is None else [piece.start, piece.end]


def _compared(relation: Relation) -> dict[str, Any]:
    return {
        "subject": relation.subject.text,
        "predicate": relation.predicate,
        "object": {slot: piece.text for slot, piece in relation.object},
        **_places(relation),
    }


def _answers(path: Path) -> Iterator[Record]:
    """The rows of a submission, which may be zipped."""
    if path.suffix.lower() != ".zip":
        yield from read_records(path)
        return
    try:
        with zipfile.ZipFile(path) as file:
            [inner] = file.namelist()
            text = file.read(inner).decode("utf-8")
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise DataError(f"not a zip archive of one file in UTF-8: {error}", file=path) from None
    for number, fields in enumerate(json_lines(text, path), 1):
        yield Record(fields, path, number)


RELATIONS = RelationExtraction(
    name="relations",
    summary="your own relations: fields text and spo_list (DuIE layout), a schema if there is one",
)
"""The user's own texts and relations."""
