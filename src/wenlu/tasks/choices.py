"""Tasks that choose one of several answers, each scored by itself, all of them compared."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wenlu.atomic import atomic_write
from wenlu.corpus import write_jsonl
from wenlu.errors import ConfigError, DataError, closest
from wenlu.evaluation.counting import Counted, mean_score
from wenlu.models import ChoiceScorer, Model, Scored
from wenlu.tasks.examples import Example
from wenlu.tasks.submissions import json_lines, json_object
from wenlu.tasks.task import Encoded, Notes
from wenlu.text import Tokenizer
from wenlu.training import ChoiceDataset

_TOLD = 3
"""Choices that are told to people."""
SEPARATOR = "|"
"""Stands between choices where they are one string: typed, or in a column of a table."""


@dataclass(frozen=True, slots=True)
class Question(Example[int]):
    """Something with one right answer among several; its label is the number of that answer."""

    choices: tuple[str, ...]
    """What there is to choose from."""
    passage: str
    """All that it is asked about: questions on it stay together when some are held out."""
    sample: str
    """Questions of one sample are answered together."""

    @property
    def group(self) -> str:
        return self.passage


@dataclass(frozen=True, slots=True)
class Choice:
    """What a model says of one question."""

    id: str
    choice: int
    """Number of the choice, from 0."""
    probabilities: tuple[float, ...]
    """Of every choice, when the question is looked at alone."""


class Arranged(NamedTuple):
    """Questions as token ids: what `ChoiceDataset` is made of."""

    texts: list[NDArray[np.int32]]
    questions: list[NDArray[np.int32]]
    cut: int
    """How many questions lost tokens."""
    unknown_share: float
    """Share of [UNK] among all tokens."""


Read = Callable[[Path, bool, Notes], list[Question]]
"""The questions of a file; whether they must have their answers; counts of what was odd."""
Arrange = Callable[[Sequence[Question], Tokenizer, int, Notes], Arranged]
"""Questions as token ids, a sequence of at most so many tokens for each choice."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MultipleChoice:
    """Choose one of several answers. A benchmark's task is a value of this class.

    Its methods are those of `wenlu.tasks.task.Task`, where they are described.
    """

    name: str
    summary: str
    """A sentence for people."""
    read_file: Read
    """Knows the layout of the data."""
    arrangements: Mapping[str, Arrange]
    """How a question becomes a sequence for each of its choices; the first if none is named."""
    arrangement: str = ""
    """Which of them."""
    text_fields: tuple[str, ...]
    """What somebody types for a question; the last holds the choices, with "|" between them."""
    fields: tuple[str, ...]
    """The fields of the data."""
    one_each: bool = False
    """Whether no two questions of a sample have the same answer."""
    one_object: bool = False
    """Whether the submission is one object {id: number}; otherwise, a line for each answer."""
    train_files: tuple[str, ...] = ("train",)
    """Names of the training file without suffix; the first that exists is taken."""
    dev_files: tuple[str, ...] = ("dev", "validation", "valid")
    test_files: tuple[str, ...] = ("test",)
    submission_file: str = "predict.json"
    """Name of the benchmark's submission file."""
    max_length: int = 512
    """Tokens of a sequence at most, if the user says nothing else."""
    kind = "choices"
    labels: ClassVar[tuple[str, ...]] = ()
    names: ClassVar[Mapping[str, str]] = MappingProxyType({})
    main_metric = "accuracy"

    def read(
        self, path: Path, *, labelled: bool = True, notes: Notes | None = None
    ) -> list[Question]:
        return self.read_file(path, labelled, Notes() if notes is None else notes)

    def adapt(self, examples: Sequence[Question], path: Path) -> "MultipleChoice":  # noqa: ARG002
        return self

    @property
    def heads(self) -> tuple[str, ...]:
        return tuple(self.arrangements)

    def with_head(self, name: str) -> "MultipleChoice":
        """This task with that arrangement of its questions."""
        if name not in self.arrangements:
            known = ", ".join(self.arrangements)
            raise ConfigError(f"{self.name} has no head {name!r}; it has {known}")
        return replace(self, arrangement=name)

    def encode(
        self,
        examples: Sequence[Question],
        tokenizer: Tokenizer,
        *,
        max_length: int,
        segments: bool,
        training: bool = False,  # noqa: ARG002
        notes: Notes | None = None,
    ) -> Encoded:
        """A row each question, with a sequence for each of its choices."""
        arrange = self.arrangements[self.arrangement or next(iter(self.arrangements))]
        counted = Notes() if notes is None else notes
        texts, questions, cut, unknown = arrange(examples, tokenizer, max_length, counted)
        known = [e.label for e in examples if e.label is not None]
        data = ChoiceDataset(
            texts,
            questions,
            targets=known if examples and len(known) == len(examples) else None,
            segments=segments,
            cls_id=tokenizer.cls_id,
            sep_id=tokenizer.sep_id,
            pad_id=tokenizer.pad_id,
        )
        return Encoded(data, cut, unknown)

    def build(self, model: Model, *, pooling: str) -> ChoiceScorer:
        return ChoiceScorer(model, pooling=pooling)

    def collect(self, outputs: Scored) -> Sequence[Any]:
        """The scores (c) of each question; minus infinity for what it has not."""
        return list(outputs.logits.double().cpu().numpy())

    def decode(
        self,
        found: Sequence[Any],
        examples: Sequence[Question],
        encoded: Encoded,  # noqa: ARG002
    ) -> list[Choice]:
        """The best-scored choice of each question, or the best way to give each another one.

        Of choices that are equal it is the first, as in the data.
        """
        scores = [row[: len(e.choices)] for row, e in zip(found, examples, strict=True)]
        chosen = [int(np.argmax(row)) for row in scores]
        if self.one_each:
            for _, sample in groupby(range(len(examples)), key=lambda i: examples[i].sample):
                rows = list(sample)
                for row, choice in zip(rows, assign([scores[i] for i in rows]), strict=True):
                    chosen[row] = choice
        chosen = [e.choices.index(e.choices[n]) for e, n in zip(examples, chosen, strict=True)]
        return [
            Choice(example.id, choice, tuple(_softmax(row).tolist()))
            for example, choice, row in zip(examples, chosen, scores, strict=True)
        ]

    def score(
        self, examples: Sequence[Question], predictions: Sequence[Choice]
    ) -> dict[str, Counted]:
        """Share of right answers, the official metric of these benchmarks, in [0, 1]."""
        said = {"accuracy": [p.choice for p in predictions]}
        if self.one_each:
            said["accuracy_alone"] = [int(np.argmax(p.probabilities)) for p in predictions]
        return {
            name: mean_score([e.label == n for e, n in zip(examples, numbers, strict=True)])
            for name, numbers in said.items()
        }

    def unseen(self, examples: Sequence[Question]) -> list[str]:  # noqa: ARG002
        return []

    def submission(
        self,
        examples: Sequence[Question],  # noqa: ARG002
        predictions: Sequence[Choice],
        path: Path,
    ) -> None:
        """The benchmark's upload format: {"id", "label"} a line, or one object {id: number}."""
        if not self.one_object:
            write_jsonl(path, ({"id": p.id, "label": str(p.choice)} for p in predictions))
            return
        with atomic_write(path) as file:
            json.dump({p.id: p.choice for p in predictions}, file, ensure_ascii=False)

    def check_submission(self, path: Path, examples: Sequence[Question]) -> None:
        """Raise DataError unless the file answers every test question once."""
        rows = _object(path, examples) if self.one_object else _lines(path)
        if len(rows) != len(examples):
            raise DataError(f"{len(rows)} answers for {len(examples)} questions", file=path)
        for number, ((given, answer), example) in enumerate(zip(rows, examples, strict=True), 1):
            line = None if self.one_object else number
            if given != example.id:
                problem = f"{given!r} stands where the test file has {example.id!r}"
                raise DataError(problem, file=path, line=line, field="id")
            numbers = range(len(example.choices))
            allowed = list(numbers) if self.one_object else [str(n) for n in numbers]
            if type(answer) is not type(allowed[0]) or answer not in allowed:
                raise DataError(
                    f"{answer!r} came for {given!r}; it must be one of {allowed}",
                    file=path,
                    line=line,
                    field="label",
                )

    def saved(self) -> dict[str, Any]:
        return {"arrangement": self.arrangement}

    def restored(self, saved: Mapping[str, Any]) -> "MultipleChoice":
        return replace(self, arrangement=saved["arrangement"])

    def typed(self, texts: Sequence[tuple[str, ...]]) -> list[Example[Any]]:
        questions: list[Example[Any]] = []
        for number, (*parts, choices) in enumerate(texts):
            split = split_choices(choices)
            if problem := check_choices(split, Notes()):
                raise DataError(
                    f"question {number} has the choices {choices!r}: {problem}. Give two or more, "
                    f"with {SEPARATOR!r} between them"
                )
            questions.append(
                Question(str(number), tuple(parts), None, split, parts[0], str(number))
            )
        return questions

    def record(self, example: Question, prediction: Choice) -> dict[str, Any]:
        return {
            "id": prediction.id,
            **dict(zip(self.text_fields[:-1], example.texts, strict=True)),
            "choices": list(example.choices),
            "choice": prediction.choice,
            "answer": example.choices[prediction.choice],
            "probability": round(prediction.probabilities[prediction.choice], 6),
            "probabilities": [round(p, 6) for p in prediction.probabilities],
        }

    def compared(self, example: Question, prediction: Choice) -> dict[str, Any]:
        return {
            "id": example.id,
            "texts": list(example.texts),
            "choices": list(example.choices),
            "gold": example.label,
            "predicted": prediction.choice,
            "probabilities": [round(p, 6) for p in prediction.probabilities],
        }

    def told(self, example: Question, prediction: Choice) -> str:
        order = np.argsort([-p for p in prediction.probabilities], kind="stable").tolist()
        shown = sorted(order[:_TOLD], key=lambda i: i != prediction.choice)
        if prediction.choice not in shown:
            shown = [prediction.choice, *shown[:-1]]
        named = "  ".join(f"{example.choices[i]} {prediction.probabilities[i]:.1%}" for i in shown)
        return f"{' | '.join(example.texts)}\n    {named}"


def assign(scores: Sequence[NDArray[np.float64]]) -> list[int]:
    """A different choice for each question, such that their scores add up to the most.

    The assignment problem, solved exactly ("bert4keras in hand, baseline I have: CLUE benchmark
    code": 6 points of accuracy more on ChID). Scores that differ by a constant for a question,
    such as log-probabilities, give the same. With more questions than choices, each gets its best.
    """
    from scipy.optimize import linear_sum_assignment

    if len(scores) > len(scores[0]):
        return [int(np.argmax(row)) for row in scores]
    return linear_sum_assignment(np.stack(scores), maximize=True)[1].tolist()


def split_choices(text: str) -> tuple[str, ...]:
    """Choices that stand in one string."""
    return tuple(choice.strip() for choice in text.split(SEPARATOR))


def check_choices(choices: Sequence[str], notes: Notes) -> str | None:
    """What is wrong with the choices of a question, if anything; counts what is only odd."""
    if len(choices) < 2:
        return f"there must be two choices or more; got {len(choices)}"
    if any(not choice.strip() for choice in choices):
        return "a choice is empty"
    if len(set(choices)) < len(choices):
        notes["questions with a choice twice (the first counts)"] += 1
    return None


def not_among(answer: str, choices: Sequence[str]) -> str:
    """What to say of an answer that is not one of the choices."""
    return f"{answer!r:.80} is not among the choices; the closest are {closest(answer, choices)}"


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    raised = np.exp(scores - scores.max())
    return raised / raised.sum()


def _lines(path: Path) -> list[tuple[object, object]]:
    """Ids and answers of a file with an object a line."""
    rows = json_lines(path.read_text("utf-8"), path)
    return [(row.get("id"), row.get("label")) for row in rows]


def _object(path: Path, examples: Sequence[Question]) -> list[tuple[object, object]]:
    """Ids and answers of a file that is one object, in the order of the questions."""
    found = json_object(path.read_text("utf-8"), path)
    rows: list[tuple[object, object]] = [(e.id, found.pop(e.id)) for e in examples if e.id in found]
    return rows + list(found.items())
