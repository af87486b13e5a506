"""A batch of rows, first as arrays that the objectives look at and change, then as tensors."""

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int
from numpy.typing import NDArray
from torch import Tensor

from wenlu.corpus import TokenCorpus
from wenlu.randomness import Keys
from wenlu.text import Tokenizer
from wenlu.training.pretraining.rows import RowPlan


class Rows(NamedTuple):
    """Padded rows; b rows of s places."""

    ids: NDArray[np.int64]
    """(b, s) token ids; an objective may put others in."""
    segments: NDArray[np.int64]
    """(b, s) 0 for the first text, 1 for the second."""
    lengths: NDArray[np.int64]
    """(b,) places that are no padding."""
    text: NDArray[np.bool_]
    """(b, s) true for tokens of the text; false for [CLS], [SEP] and padding."""
    word_starts: NDArray[np.bool_]
    """(b, s) whether a word starts there; true for what is no text."""
    keys: Keys
    """(b,) of each row's random numbers."""
    relation: NDArray[np.int64]
    """(b,) how the second text goes with the first."""


class Labels(NamedTuple):
    """What is to be predicted where; n labels."""

    places: Int[Tensor, " n"]
    """Row times s plus place within the row."""
    targets: Int[Tensor, " n"]
    """The right answer's class."""


class PretrainingBatch(NamedTuple):
    """What the module takes."""

    ids: Int[Tensor, "b s"]
    segments: Int[Tensor, "b s"]
    lengths: Int[Tensor, " b"] | None
    """None if no row is padded."""
    labels: dict[str, Labels]
    """By objective."""

    def to(self, device: torch.device, non_blocking: bool = False) -> "PretrainingBatch":
        """The same on another device."""

        def move(value: Any) -> Any:  # noqa: ANN401
            return None if value is None else value.to(device, non_blocking=non_blocking)

        labels = {name: Labels(*map(move, one)) for name, one in self.labels.items()}
        return PretrainingBatch(move(self.ids), move(self.segments), move(self.lengths), labels)


def fill_rows(
    corpus: TokenCorpus,
    plan: RowPlan,
    rows: NDArray[np.int64],
    keys: Keys,
    tokenizer: Tokenizer,
) -> Rows:
    """Those rows of a plan, with the special tokens around the texts."""
    plan = plan.take(rows)
    (a, a_end), (b, b_end) = plan.first.T, plan.second.T
    first, second = a_end - a, b_end - b
    lengths = plan.lengths
    column = np.arange(int(lengths.max()))[None]
    in_first = (column >= 1) & (column <= first[:, None])
    second_starts = (first + 2)[:, None]
    in_second = (column >= second_starts) & (column < second_starts + second[:, None])
    text = in_first | in_second
    places = np.where(in_second, column - second_starts + b[:, None], column - 1 + a[:, None])[text]
    ids = np.full(text.shape, tokenizer.pad_id, np.int64)
    ids[text] = corpus.tokens[places]
    ids[:, 0] = tokenizer.cls_id
    separator = (column == (first + 1)[:, None]) | (column == (lengths - 1)[:, None])
    ids[separator] = tokenizer.sep_id
    word_starts = np.ones_like(text)
    word_starts[text] = corpus.word_starts[places]
    segments = (column >= second_starts) & (column < lengths[:, None])
    return Rows(ids, segments.astype(np.int64), lengths, text, word_starts, keys, plan.relation)
