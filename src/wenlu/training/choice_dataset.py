"""Questions with choices, kept flat in memory: a sequence for each choice, a row each question.

Axes: b question, c choice, n choices of all the questions, s position, p part of a sequence.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from wenlu.models.choice_scorer import ChoiceBatch
from wenlu.training.dataset import Rows
from wenlu.training.ragged import Ragged, fingerprint


class ChoiceDataset:
    """Token ids of many questions.

    The sequence of a choice is [CLS] part [SEP] part [SEP] ... Its parts are texts without their
    ends; a text that many sequences share, such as a passage, is kept once.

    Args:
        texts: token ids of the texts.
        questions: for each question, which text each part of each of its choices is, and how many
            of its tokens are kept: (c p 2). All have equally many parts.
        targets: the right choice of each question, None if not known.
        segments: whether all parts but the first are of segment 1.
        cls_id: begins a sequence.
        sep_id: ends a part.
        pad_id: fills short sequences.
    """

    def __init__(
        self,
        texts: Sequence[NDArray[np.int32]],
        questions: Sequence[NDArray[np.int32]],
        *,
        targets: Sequence[int] | None,
        segments: bool,
        cls_id: int,
        sep_id: int,
        pad_id: int,
    ) -> None:
        self._texts = Ragged.from_rows(texts, np.int32)
        shape = questions[0].shape[1:] if len(questions) else (1, 2)
        self._choices = Ragged.from_rows(questions, np.int32, *shape)  # (n p 2)
        self._segments, self._special = segments, (cls_id, sep_id, pad_id)
        self._targets = None if targets is None else np.asarray(targets, np.int64)
        tokens = self._choices.values[..., 1].sum(1, dtype=np.int64) + 1 + shape[0]  # (n)
        longest = np.maximum.reduceat(tokens, self._choices.starts) if len(tokens) else tokens
        most = int(self._choices.counts.max(initial=0))
        self.lengths: Rows = longest * most
        """Tokens of a question: its longest sequence times the most choices that any question has.

        So a batch never holds more than (its longest question) x (its questions), whichever meet.
        """

    def __len__(self) -> int:
        return len(self.lengths)

    def fingerprint(self) -> bytes:
        """Of all that the questions hold."""
        settings = repr((self._segments, self._special)).encode()
        return fingerprint(settings, self._choices, self._texts, self._targets)

    def batch(self, rows: Rows) -> ChoiceBatch:
        """Those questions, their sequences padded to the longest of them."""
        cls_id, sep_id, pad_id = self._special
        counts = self._choices.counts[rows]
        parts, _ = self._choices.take(rows)
        starts, sizes = self._texts.starts[parts[..., 0]], parts[..., 1]  # (n p)
        lengths = sizes.sum(1, dtype=np.int64) + 1 + sizes.shape[1]
        ids = np.full((len(parts), int(lengths.max())), pad_id, np.int64)
        ids[:, 0] = cls_id
        for row, begins, kept in zip(ids, starts.tolist(), sizes.tolist(), strict=True):
            place = 1
            for start, size in zip(begins, kept, strict=True):
                row[place : place + size] = self._texts.values[start : start + size]
                row[place + size] = sep_id
                place += size + 1
        columns = np.arange(ids.shape[1])
        real = columns < lengths[:, None]  # (n s)
        segments = real & (columns >= sizes[:, :1] + 2) if self._segments else None
        return ChoiceBatch(
            ids=torch.from_numpy(ids),
            segments=None if segments is None else torch.from_numpy(segments.astype(np.int64)),
            lengths=None if real.all() else torch.from_numpy(lengths),
            real=torch.from_numpy(np.arange(counts.max()) < counts[:, None]),
            targets=None if self._targets is None else torch.from_numpy(self._targets[rows]),
        )
