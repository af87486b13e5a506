"""What every task can do, and the loop and the command line can ask of it.

The loop knows nothing of any task in particular. Read top to bottom, `Task` is the life of one:
read, adapt, encode, build, collect, decode, score, hand in.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from torch import nn

from wenlu.evaluation.counting import Counted
from wenlu.models import Model
from wenlu.tasks.examples import Example
from wenlu.text import Tokenizer
from wenlu.training.dataset import StoredDataset

Notes = Counter[str]
"""What was odd in some data and how often, in words that follow a number: "rows without ..."."""

AnyExample = Any
"""An `Example`, or what a task has in its place to carry more."""


class Encoded(NamedTuple):
    """Examples as the model takes them."""

    data: StoredDataset
    cut: int
    """How many examples were too long and lost tokens."""
    unknown_share: float
    """Share of [UNK] among all tokens."""
    places: Sequence[Any] = ()
    """What `Task.decode` must know of each row, such as offsets into the text."""


@runtime_checkable
class Task(Protocol):
    """A task, as a value: nothing in it changes."""

    @property
    def name(self) -> str:
        """As on the command line."""

    @property
    def summary(self) -> str:
        """A sentence for people."""

    @property
    def kind(self) -> str:
        """What its predictions look like: one of `KINDS`; reports and the command line go by it."""

    @property
    def text_fields(self) -> tuple[str, ...]:
        """The texts that make an example when somebody types one; none if that cannot be typed."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of a row of the data."""

    @property
    def heads(self) -> tuple[str, ...]:
        """What `with_head` takes, the default first; none if there is no choice."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The label set in the order of the classes; empty until `adapt`, or if there is none."""

    @property
    def names(self) -> Mapping[str, str]:
        """Names of labels for people, where labels are codes."""

    @property
    def train_files(self) -> tuple[str, ...]:
        """Names of the training file without suffix; the first that exists is taken.

        "a+b" stands for two files that make the set together.
        """

    @property
    def dev_files(self) -> tuple[str, ...]:
        """As `train_files`."""

    @property
    def test_files(self) -> tuple[str, ...]:
        """As `train_files`."""

    @property
    def submission_file(self) -> str:
        """Name of the benchmark's submission file."""

    @property
    def max_length(self) -> int:
        """Tokens of an input at most, if the user says nothing else."""

    @property
    def main_metric(self) -> str:
        """The score in what `score` returns by which models are compared; more is better."""

    def read(
        self, path: Path, *, labelled: bool = True, notes: Notes | None = None
    ) -> Sequence[Example[Any]]:
        """The examples of a file.

        Args:
            path: in the benchmark's own layout.
            labelled: whether each must have its label; a test set's labels are left unread.
            notes: counts of what was odd are added to it.

        Raises:
            DataError: names file, line and field, and says what would be right.
        """

    def adapt(self, examples: Sequence[AnyExample], path: Path) -> "Task":
        """This task with what it takes from its training data, such as its label set."""

    def encode(
        self,
        examples: Sequence[AnyExample],
        tokenizer: Tokenizer,
        *,
        max_length: int,
        segments: bool,
        training: bool = False,
        notes: Notes | None = None,
    ) -> Encoded:
        """Rows for the model. An example may give several, or none while training.

        Args:
            examples: what to encode.
            tokenizer: the model's.
            max_length: tokens of a row at most.
            segments: whether the second text of a pair is marked as segment 1.
            training: whether to learn from the rows; otherwise they are for `decode`.
            notes: counts of what could not be used are added to it.
        """

    def build(self, model: Model, *, pooling: str) -> nn.Module:
        """A module that learns this task, from a model that knows language (or nothing yet).

        It has the `config` and `encoder` of the model, takes a batch of `Encoded.data`, and
        returns something with `losses`, one a row, None if the batch has no targets.
        """

    def collect(self, outputs: Any) -> Sequence[Any]:  # noqa: ANN401
        """What `decode` needs of the module's outputs for a batch, one item a row, on the CPU."""

    def decode(
        self, found: Sequence[Any], examples: Sequence[AnyExample], encoded: Encoded
    ) -> list[Any]:
        """A prediction for each example, from what was collected, in the order of the rows."""

    def score(
        self, examples: Sequence[AnyExample], predictions: Sequence[Any]
    ) -> dict[str, Counted]:
        """The official metric, in [0, 1], and others beside it, with the counts of each example."""

    def unseen(self, examples: Sequence[AnyExample]) -> list[str]:
        """Labels that none of the examples has: no model can learn them."""

    def submission(
        self, examples: Sequence[AnyExample], predictions: Sequence[Any], path: Path
    ) -> None:
        """Write the benchmark's own upload format."""

    def check_submission(self, path: Path, examples: Sequence[AnyExample]) -> None:
        """Raise DataError unless the file answers every test example once, in the right form."""

    def saved(self) -> dict[str, Any]:
        """What `restored` needs, as JSON can hold it; it is kept beside the weights."""

    def restored(self, saved: Mapping[str, Any]) -> "Task":
        """This task as it was when its model was saved."""

    def typed(self, texts: Sequence[tuple[str, ...]]) -> list[AnyExample]:
        """Examples from texts that somebody typed, each with one text for each of `text_fields`."""

    def record(self, example: AnyExample, prediction: Any) -> dict[str, Any]:  # noqa: ANN401
        """A prediction for programs: a JSON object, a line of `predict --output`."""

    def compared(self, example: AnyExample, prediction: Any) -> dict[str, Any]:  # noqa: ANN401
        """Prediction beside gold label: a line of `dev.predictions.jsonl`, read by the report."""

    def told(self, example: AnyExample, prediction: Any) -> str:  # noqa: ANN401
        """A prediction for people: a few lines of plain text."""


KINDS = ("labels", "spans", "answers", "choices", "relations")
"""What predictions look like, and so what `Task.compared` writes.

- labels: texts, gold, predicted, probabilities (of the likeliest labels)
- spans: text, gold, predicted: lists of {start, end, type, text} (events: and role)
- answers: question, context, gold: list of texts, predicted: {text, start, end, score}, scores
- choices: texts, choices, gold, predicted: numbers of choices, probabilities: list
- relations: text, gold, predicted: lists of {subject, predicate, object: {slot: text}, ...}

All have the example's id. Ends are exclusive: text[start:end] is the piece.
"""
