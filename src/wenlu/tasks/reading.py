"""Tasks that answer a question with a piece of a text."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from wenlu.atomic import atomic_write
from wenlu.corpus import read_document
from wenlu.errors import ConfigError, DataError, closest
from wenlu.evaluation.answers import CMRC, AnswerMetric
from wenlu.evaluation.counting import Counted, mean_score
from wenlu.models import Model
from wenlu.models.reader import READING_HEADS, Read, Reader
from wenlu.tasks.reading_layouts import Answer, Question, read_questions
from wenlu.tasks.task import Encoded, Notes
from wenlu.text import Tokenizer
from wenlu.text.alignment import text_span, token_span
from wenlu.text.strides import strides
from wenlu.training.reading_dataset import ReadingDataset, ReadingRow

_KEPT = 5
"""Answers that are kept of each question."""
_TOLD = 3
"""Answers that are told to people."""


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of the text."""

    text: str
    start: int
    end: int
    """Exclusive: text[start:end] of the original is the piece."""
    score: float
    """Comparable among the answers to one question, not between models."""

    def record(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "score": round(self.score, 4),
        }


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model answers."""

    id: str
    answers: tuple[Found, ...]
    """The best ones, best first; none where the text has no tokens."""

    @property
    def text(self) -> str:
        """The best answer; empty if there is none."""
        return self.answers[0].text if self.answers else ""


class _Place(NamedTuple):
    """What a row's tokens are in the text."""

    example: int
    offsets: Sequence[tuple[int, int]]
    shift: int
    """Taken from a token's place in the row, it gives its number in the text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """Answer questions from texts. A benchmark's task is a value of this class.

    A long text is read in windows. While training, they begin every `stride` tokens: where each
    character is a token, they are those of the benchmarks' own scripts. To answer, fewer do, of
    which neighbours share `stride` tokens. Windows are cut by tokens, not by characters: a text is
    tokenized once, whole, and the tokenizer's offsets lead back to it, so no window is too long.
    Its methods are those of `wenlu.tasks.task.Task`.
    """

    name: str
    summary: str
    """A sentence for people."""
    head: str = "global"
    """A name from `READING_HEADS`."""
    metric: AnswerMetric = CMRC
    main_metric: str = "exact_match"
    stride: int = 128
    """Tokens from one window to the next while training, and shared by neighbours when answering;
    at most a quarter of a row. 0: the text is cut to fit."""
    question_length: int | None = None
    """Tokens of a question at most; by default what leaves room for two strides of text."""
    longest: int = 64
    """Tokens of an answer at most, for the head "pointers"."""
    train_files: tuple[str, ...] = ("train",)
    dev_files: tuple[str, ...] = ("dev", "validation", "valid")
    test_files: tuple[str, ...] = ("test",)
    submission_file: str = "predict.json"
    max_length: int = 512
    kind = "answers"
    text_fields = ("question", "context")
    fields = ("question", "context", "answers")
    labels = ()
    names = MappingProxyType[str, str]({})

    @property
    def heads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.head, *READING_HEADS)))

    def with_head(self, head: str) -> "Reading":
        """This task with another head."""
        if head not in READING_HEADS:
            raise ConfigError(
                f"no head {head!r} for {self.name}; the closest are {closest(head, READING_HEADS)}"
            )
        return replace(self, head=head)

    def read(
        self, path: Path, *, labelled: bool = True, notes: Notes | None = None
    ) -> list[Question]:
        return read_questions(path, labelled=labelled, notes=Notes() if notes is None else notes)

    def adapt(self, examples: Sequence[Question], path: Path) -> "Reading":
        """This task, if there is something to learn."""
        if all(answer.start is None for e in examples for answer in e.label or ()):
            raise DataError("no answer stands in its text, so there is nothing to learn", file=path)
        return self

    def encode(
        self,
        examples: Sequence[Question],
        tokenizer: Tokenizer,
        *,
        max_length: int,
        segments: bool,
        training: bool = False,
        notes: Notes | None = None,
    ) -> Encoded:
        """A row for each window of each question; while training, for each right answer too.

        The head "pointers" draws among the right answers, so that its rows carry all of them. A
        window without the answer says so while training, unless the text is cut to fit.
        """
        notes = Notes() if notes is None else notes
        asked = _numbers(e.question for e in examples)
        contexts = _numbers(e.context for e in examples)
        questions = tokenizer.encode_batch(list(asked), offsets=False)
        texts = tokenizer.encode_batch(list(contexts))
        stride = min(self.stride, max_length // 4)
        most = max_length - 3 - max(2 * stride, 1)
        most = max(1, most if self.question_length is None else min(most, self.question_length))
        rows: list[ReadingRow] = []
        places: list[_Place] = []
        cut = 0
        for number, example in enumerate(examples):
            question, text = asked[example.question], contexts[example.context]
            offsets = texts[text].offsets or []
            asks = min(len(questions[question]), most)
            room = max_length - 3 - asks
            step = stride if training or not stride else room - stride
            cuts = strides(len(offsets), room, step)
            long = len(questions[question]) > asks
            if long:
                notes["questions are too long and lose their ends"] += 1
            cut += long or cuts[-1][1] < len(offsets)
            spans: list[list[tuple[int, int]]] = [[]]
            if training:
                spans = self._lessons(example, offsets, cuts[-1][1], notes)
            for right in spans:
                for start, end in cuts:
                    held = tuple(span for span in right if start <= span[0] and span[1] < end)
                    rows.append(ReadingRow(question, text, start, end, held))
                    places.append(_Place(number, offsets, asks + 2 - start))
        if not rows:
            raise DataError("there is no question with an answer that can be learned from")
        data = ReadingDataset(
            [one.ids[:most] for one in questions],
            [one.ids for one in texts],
            rows,
            tokenizer,
            segments=segments,
            labelled=training,
        )
        return Encoded(data, cut, tokenizer.unknown_share([*questions, *texts]), places)

    def _lessons(
        self, example: Question, offsets: Sequence[tuple[int, int]], end: int, notes: Notes
    ) -> list[list[tuple[int, int]]]:
        """First and last tokens of the answers that can be learned, those of one row together."""
        spans = []
        for answer in example.label or ():
            span = answer_tokens(answer, offsets)
            if answer.start is not None and span is None:
                notes["answers start or end inside a token and are not learned"] += 1
            elif span is not None and span[1] >= end:
                notes["answers stand behind what fits into a row and are not learned"] += 1
            elif span is not None:
                spans.append(span)
        if not spans:
            notes["questions have no answer to learn and are left out"] += 1
        return [spans] if spans and self.head == "pointers" else [[span] for span in spans]

    def build(self, model: Model, *, pooling: str) -> Reader:  # noqa: ARG002
        return Reader(model, head=self.head, longest=self.longest)

    def collect(self, outputs: Read) -> Sequence[Any]:
        """First and last tokens of each row's best spans, and their scores."""
        assert outputs.best is not None
        first, last, scores = (part.cpu().tolist() for part in outputs.best)
        return [list(zip(*row, strict=True)) for row in zip(first, last, scores, strict=True)]

    def decode(
        self, found: Sequence[Any], examples: Sequence[Question], encoded: Encoded
    ) -> list[Prediction]:
        """The spans with the highest scores over all windows, cut from the original texts."""
        best: list[dict[tuple[int, int], float]] = [{} for _ in examples]
        for place, spans in zip(encoded.places, found, strict=True):
            scores = best[place.example]
            for first, last, score in spans:
                if score > float("-inf"):
                    span = text_span(place.offsets, first - place.shift, last - place.shift)
                    scores[span] = max(score, scores.get(span, score))
        return [
            Prediction(
                example.id,
                tuple(
                    Found(example.context[start:end], start, end, score)
                    for (start, end), score in Counter(scores).most_common(_KEPT)
                ),
            )
            for example, scores in zip(examples, best, strict=True)
        ]

    def score(
        self, examples: Sequence[Question], predictions: Sequence[Prediction]
    ) -> dict[str, Counted]:
        """The benchmark's exact match and F1, and how often the first reference's place is met."""
        rows = [
            {**self._scores(e, p), "span_match": float(_same_place(e, p))}
            for e, p in zip(examples, predictions, strict=True)
        ]
        return {name: mean_score([row[name] for row in rows]) for name in rows[0]}

    def _scores(self, example: Question, prediction: Prediction) -> dict[str, float]:
        references = [answer.text for answer in example.label or ()]
        return {
            "exact_match": float(self.metric.exact_match(references, prediction.text)),
            "f1": self.metric.f1(references, prediction.text),
        }

    def unseen(self, examples: Sequence[Question]) -> list[str]:  # noqa: ARG002
        return []

    def submission(
        self,
        examples: Sequence[Question],  # noqa: ARG002
        predictions: Sequence[Prediction],
        path: Path,
    ) -> None:
        """The benchmarks' upload format: one object {question's id: answer}."""
        with atomic_write(path) as file:
            answers = {prediction.id: prediction.text for prediction in predictions}
            file.write(json.dumps(answers, ensure_ascii=False, indent=1) + "\n")

    def check_submission(self, path: Path, examples: Sequence[Question]) -> None:
        """Raise DataError unless every question has one answer, which is a piece of its text."""
        answers = read_document(path)
        if not isinstance(answers, dict):
            raise DataError("an object {question's id: answer} must stand here", file=path)
        contexts = {example.id: example.context for example in examples}
        for problem, ids in (
            ("has no answer", contexts.keys() - answers.keys()),
            ("is answered but not asked", answers.keys() - contexts.keys()),
        ):
            if ids:
                raise DataError(f"question {min(ids)!r} {problem}", file=path)
        for id, context in contexts.items():
            if not isinstance(answers[id], str) or answers[id] not in context:
                raise DataError(
                    f"{answers[id]!r:.40} does not occur in the text", file=path, field=id
                )

    def saved(self) -> dict[str, Any]:
        return {"head": self.head}

    def restored(self, saved: Mapping[str, Any]) -> "Reading":
        return self.with_head(saved["head"])

    def typed(self, texts: Sequence[tuple[str, ...]]) -> list[Question]:
        return [Question(str(i), row, None) for i, row in enumerate(texts)]

    def record(self, example: Question, prediction: Prediction) -> dict[str, Any]:
        return {
            "id": prediction.id,
            "question": example.question,
            "context": example.context,
            "answer": prediction.text,
            "answers": [found.record() for found in prediction.answers],
        }

    def compared(self, example: Question, prediction: Prediction) -> dict[str, Any]:
        nothing = {"text": "", "start": None, "end": None, "score": None}
        return {
            "id": example.id,
            "question": example.question,
            "context": example.context,
            "gold": [answer.text for answer in example.label or ()],
            "predicted": prediction.answers[0].record() if prediction.answers else nothing,
            "scores": {k: round(v, 6) for k, v in self._scores(example, prediction).items()},
        }

    def told(self, example: Question, prediction: Prediction) -> str:
        lines = [
            f"    {found.score:8.2f}  {found.text}  [{found.start}:{found.end}]"
            for found in prediction.answers[:_TOLD]
        ]
        return "\n".join([example.question, *(lines or ["    no answer: the text is empty"])])


def answer_tokens(answer: Answer, offsets: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """First and last token of an answer, without the white space around it; None if none fit."""
    if answer.start is None:
        return None
    text = answer.text
    start = answer.start + len(text) - len(text.lstrip())
    return token_span(offsets, start, start + len(text.strip()))


def _same_place(example: Question, prediction: Prediction) -> bool:
    """Whether the best answer is the first reference, and stands at its place."""
    if not example.label or not prediction.answers:
        return False
    first, best = example.label[0], prediction.answers[0]
    return first.start == best.start and first.text == best.text


def _numbers(texts: Any) -> dict[str, int]:  # noqa: ANN401
    """Each different text with its number, in the order of appearance."""
    return {text: number for number, text in enumerate(dict.fromkeys(texts))}
