"""Questions with choices, kept flat in memory: a sequence for each choice, a row each question.

Axes: b question, c choice, n choices of all the questions, s position, p part of a sequence.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from wenlu.models.choice_scorer import ChoiceBatch
from wenlu.training.dataset import Rows


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
        sizes = np.fromiter((len(text) for text in texts), np.int64, len(texts))
        self._ids = np.concatenate([np.zeros(0, np.int32), *texts])
        self._counts = np.fromiter((len(q) for q in questions), np.int64, len(questions))
        parts = np.concatenate(questions) if len(questions) else np.zeros((0, 1, 2), np.int32)
        self._starts = (np.cumsum(sizes) - sizes)[parts[..., 0]]  # (n p)
        self._sizes = parts[..., 1]  # (n p)
        self._ends = np.cumsum(self._counts)
        self._segments, self._special = segments, (cls_id, sep_id, pad_id)
        self._targets = None if targets is None else np.asarray(targets, np.int64)
        tokens = self._sizes.sum(1, dtype=np.int64) + 1 + parts.shape[1]  # (n)
        longest = np.maximum.reduceat(tokens, self._ends - self._counts) if len(tokens) else tokens
        most = int(self._counts.max(initial=0))
        self.lengths: Rows = longest * most
        """Tokens of a question: its longest sequence times the most choices that any question has.

        So a batch never holds more than (its longest question) x (its questions), whichever meet.
        """

    def __len__(self) -> int:
        return len(self.lengths)

    def fingerprint(self) -> bytes:
        """Of all that the questions hold."""
        digest = hashlib.blake2b(repr((self._segments, self._special)).encode(), digest_size=16)
        for array in (self._counts, self._starts, self._sizes, self._ids, self._targets):
            digest.update(b"-" if array is None else np.ascontiguousarray(array).data)
        return digest.digest()

    def batch(self, rows: Rows) -> ChoiceBatch:
        """Those questions, their sequences padded to the longest of them."""
        cls_id, sep_id, pad_id = self._special
        counts = self._counts[rows]
        first = self._ends[rows] - counts
        picked = np.concatenate([np.arange(a, a + c) for a, c in zip(first, counts, strict=True)])
        sizes = self._sizes[picked]  # (n p)
        lengths = sizes.sum(1, dtype=np.int64) + 1 + sizes.shape[1]
        ids = np.full((len(picked), int(lengths.max())), pad_id, np.int64)
        ids[:, 0] = cls_id
        for row, starts, kept in zip(ids, self._starts[picked], sizes, strict=True):
            place = 1
            for start, size in zip(starts.tolist(), kept.tolist(), strict=True):
                row[place : place + size] = self._ids[start : start + size]
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
