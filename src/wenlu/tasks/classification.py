"""Tasks that give a text, or a pair of texts, one of a set of labels."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from wenlu.corpus import Record, read_records, write_jsonl
from wenlu.errors import ConfigError, DataError, closest
from wenlu.evaluation.counting import Counted, macro_f1_score, mean_score
from wenlu.models import Classified, Classifier, Model
from wenlu.tasks.examples import Example, Ids
from wenlu.tasks.submissions import json_lines
from wenlu.tasks.task import Encoded, Notes
from wenlu.text import Tokenizer
from wenlu.training import TextDataset

_KEPT = 5
"""Labels whose probabilities are kept for each dev example."""
_TOLD = 3
"""Labels that are told to people."""

Compose = Callable[[Record, Notes], tuple[str, ...]]
"""The texts of a row, where they are not simply fields; counts what was odd in the notes."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one example."""

    id: str
    label: str
    probabilities: dict[str, float]
    """Of every label, in the order of the label set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Classification:
    """Label a text or a pair of texts. A benchmark's task is a value of this class.

    Its methods are those of `wenlu.tasks.task.Task`, where they are described.
    """

    name: str
    summary: str
    """A sentence for people."""
    text_fields: tuple[str, ...]
    """Fields that hold the text, or the two texts of a pair."""
    compose: Compose | None = None
    """Makes the texts of a row where they do not stand in these fields as the model takes them."""
    labels: tuple[str, ...] = ()
    """The label set in the order of the classes; empty if it is read from the training data."""
    names: MappingProxyType[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Names of labels for people, where labels are codes."""
    name_field: str | None = None
    """Field that brings such names with the data."""
    unlabelled: str | None = None
    """Label of examples that people could not agree on: left out of training and scoring."""
    train_files: tuple[str, ...] = ("train",)
    """Names of the training file without suffix; the first that exists is taken."""
    dev_files: tuple[str, ...] = ("dev", "validation", "valid")
    test_files: tuple[str, ...] = ("test",)
    submission_file: str = "predict.json"
    """Name of the benchmark's submission file."""
    max_length: int = 128
    """Tokens of an input at most, if the user says nothing else."""
    id_fields: tuple[str, ...] = ("id",)
    """Fields that may hold the id of a row; the first that does is taken."""
    repeated_ids: bool = False
    """Whether labelled rows may share an id: it only names them, as nobody hands them in."""
    kind = "labels"
    heads = ()
    main_metric = "accuracy"

    def __post_init__(self) -> None:
        if len(self.text_fields) not in (1, 2):
            raise ConfigError(f"{self.name} needs one text field or two; got {self.text_fields}")
        if len(set(self.labels)) < len(self.labels) or len(self.labels) == 1:
            raise ConfigError(f"{self.name} needs two or more different labels; got {self.labels}")

    @property
    def fields(self) -> tuple[str, ...]:
        return (*self.text_fields, "label")

    def read(
        self, path: Path, *, labelled: bool = True, notes: Notes | None = None
    ) -> list[Example[str]]:
        """The examples of a file: JSONL, JSON, CSV or TSV, also compressed.

        Raises:
            DataError: a row lacks a field, has an unknown label or the id of another row.
        """
        examples: list[Example[str]] = []
        ids, known = Ids(), set(self.labels)
        counted = Notes() if notes is None else notes
        for record in read_records(path):
            if self.compose is None:
                texts = tuple(record.text(name) for name in self.text_fields)
            else:
                texts = self.compose(record, counted)
            label = record.label("label") if labelled else None
            if label is not None and label == self.unlabelled:
                continue
            if label is not None and known and label not in known:
                raise record.error(
                    f"{label!r} is not a label of {self.name}; the closest are "
                    f"{closest(label, self.labels)}",
                    "label",
                )
            if label is not None and not label.strip():
                raise record.error("the label is empty", "label")
            named = (name for name in self.id_fields if record.get(name) is not None)
            field = next(named, self.id_fields[0])
            given = ids.take(record, field, repeated=labelled and self.repeated_ids)
            examples.append(Example(given, texts, label))
        if not examples:
            raise DataError(f"no row has a label other than {self.unlabelled!r}", file=path)
        return examples

    def adapt(self, examples: Sequence[Example[str]], path: Path) -> "Classification":
        """With the label set of the training examples, and the names that the data gives labels."""
        return self.with_labels_of(examples, path).with_names_of(path)

    def with_labels_of(self, examples: Sequence[Example[str]], path: Path) -> "Classification":
        """This task with its label set read from training examples, if it has none of its own."""
        if self.labels:
            return self
        found = sorted({e.label for e in examples if e.label is not None}, key=_natural)
        if len(found) < 2:
            raise DataError(
                f"all rows have the label {found[0]!r}; there must be at least two different ones",
                file=path,
                field="label",
            )
        return replace(self, labels=tuple(found))

    def with_names_of(self, path: Path) -> "Classification":
        """This task with names for its labels as the data has them."""
        if self.name_field is None:
            return self
        names = dict(self.names)
        for record in read_records(path):
            name = record.get(self.name_field)
            if isinstance(name, str) and record.get("label") is not None:
                names.setdefault(record.label("label"), name)
        return replace(self, names=MappingProxyType(names))

    def encode(
        self,
        examples: Sequence[Example[str]],
        tokenizer: Tokenizer,
        *,
        max_length: int,
        segments: bool,
        training: bool = False,  # noqa: ARG002
        notes: Notes | None = None,  # noqa: ARG002
    ) -> Encoded:
        """Token ids of the examples, cut to `max_length`: a row each."""
        parts = [
            tokenizer.encode_batch([e.texts[i] for e in examples], offsets=False)
            for i in range(len(self.text_fields))
        ]
        second: Sequence[Any] = parts[1] if len(parts) > 1 else [None] * len(examples)
        joined = [
            tokenizer.join(a.ids, None if b is None else b.ids, max_length)
            for a, b in zip(parts[0], second, strict=True)
        ]
        index = {label: i for i, label in enumerate(self.labels)}
        labelled = bool(examples) and all(e.label is not None for e in examples)
        data = TextDataset(
            [j.ids for j in joined],
            first_parts=[j.second for j in joined] if segments and len(parts) > 1 else None,
            targets=[index[e.label] for e in examples if e.label is not None] if labelled else None,
            pad_id=tokenizer.pad_id,
        )
        unknown = tokenizer.unknown_share(encoding for part in parts for encoding in part)
        return Encoded(data, sum(j.cut > 0 for j in joined), unknown)

    def build(self, model: Model, *, pooling: str) -> Classifier:
        """A module that learns this task, from a model that knows language (or nothing yet)."""
        return Classifier(model, len(self.labels), pooling=pooling)

    def collect(self, outputs: Classified) -> Sequence[Any]:
        """The logits (c) of each row."""
        return list(outputs.logits.double().softmax(-1).cpu().numpy())

    def decode(
        self,
        found: Sequence[Any],
        examples: Sequence[Example[str]],
        encoded: Encoded,  # noqa: ARG002
    ) -> list[Prediction]:
        """The likeliest label of each example, from its probabilities (c)."""
        return [
            Prediction(
                example.id,
                self.labels[int(np.argmax(row))],
                dict(zip(self.labels, row.tolist(), strict=True)),
            )
            for example, row in zip(examples, found, strict=True)
        ]

    def score(
        self, examples: Sequence[Example[str]], predictions: Sequence[Prediction]
    ) -> dict[str, Counted]:
        """Accuracy, which is the official metric of these benchmarks, and macro-F1, in [0, 1]."""
        gold = [str(e.label) for e in examples]
        predicted = [p.label for p in predictions]
        return {
            "accuracy": mean_score([a == b for a, b in zip(gold, predicted, strict=True)]),
            "macro_f1": macro_f1_score([[(a, "")] for a in gold], [[(b, "")] for b in predicted]),
        }

    def unseen(self, examples: Sequence[Example[str]]) -> list[str]:
        seen = {e.label for e in examples}
        return [label for label in self.labels if label not in seen]

    def submission(
        self,
        examples: Sequence[Example[str]],  # noqa: ARG002
        predictions: Sequence[Prediction],
        path: Path,
    ) -> None:
        """The benchmark's upload format: one {"id", "label"} a line, in the test file's order."""
        write_jsonl(path, ({"id": p.id, "label": p.label} for p in predictions))

    def check_submission(self, path: Path, examples: Sequence[Example[str]]) -> None:
        """Raise DataError unless the file answers every test example once, in order."""
        rows = json_lines(path.read_text("utf-8"), path)
        if len(rows) != len(examples):
            raise DataError(f"{len(rows)} answers for {len(examples)} examples", file=path)
        for line, (row, example) in enumerate(zip(rows, examples, strict=True), 1):
            if row.get("id") != example.id:
                raise DataError(
                    f"{row.get('id')!r} stands where the test file has {example.id!r}",
                    file=path,
                    line=line,
                    field="id",
                )
            if row.get("label") not in self.labels:
                raise DataError(
                    f"{row.get('label')!r} is not a label of {self.name}",
                    file=path,
                    line=line,
                    field="label",
                )

    def saved(self) -> dict[str, Any]:
        return {"labels": list(self.labels), "names": dict(self.names)}

    def restored(self, saved: Mapping[str, Any]) -> "Classification":
        return replace(
            self, labels=tuple(saved["labels"]), names=MappingProxyType(dict(saved["names"]))
        )

    def typed(self, texts: Sequence[tuple[str, ...]]) -> list[Example[str]]:
        return [Example(str(i), row, None) for i, row in enumerate(texts)]

    def record(self, example: Example[str], prediction: Prediction) -> dict[str, Any]:
        return {
            "id": prediction.id,
            **dict(zip(self.text_fields, example.texts, strict=True)),
            "label": prediction.label,
            "name": self.names.get(prediction.label, prediction.label),
            "probability": round(prediction.probabilities[prediction.label], 6),
            "probabilities": {k: round(p, 6) for k, p in _likeliest(prediction, _KEPT)},
        }

    def compared(self, example: Example[str], prediction: Prediction) -> dict[str, Any]:
        return {
            "id": example.id,
            "texts": list(example.texts),
            "gold": example.label,
            "predicted": prediction.label,
            "probabilities": {k: round(p, 6) for k, p in _likeliest(prediction, _KEPT)},
        }

    def told(self, example: Example[str], prediction: Prediction) -> str:
        named = "  ".join(
            f"{self.names.get(label, label)} {p:.1%}" for label, p in _likeliest(prediction, _TOLD)
        )
        return f"{' | '.join(example.texts)}\n    {named}"


def _likeliest(prediction: Prediction, count: int) -> list[tuple[str, float]]:
    return sorted(prediction.probabilities.items(), key=lambda item: -item[1])[:count]


def _natural(label: str) -> tuple[int, float, str]:
    """Numbers in their order, then words."""
    return (0, float(label), label) if label.isdecimal() else (1, 0.0, label)
