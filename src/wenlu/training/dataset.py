"""Encoded texts, kept flat in memory and padded batch by batch."""

import hashlib
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from wenlu.models.classifier import TextBatch

Rows = NDArray[np.int64]


@runtime_checkable
class Dataset(Protocol):
    """What the training loop needs of data."""

    @property
    def lengths(self) -> Rows:
        """Tokens of each row."""

    def batch(self, rows: Rows) -> Any:  # noqa: ANN401
        """Those rows as the named tuple of tensors that the module takes."""


@runtime_checkable
class StoredDataset(Dataset, Protocol):
    """A data set that can say whether it is the same as another."""

    def fingerprint(self) -> bytes:
        """Of all that the rows hold."""


class TextDataset:
    """Token ids of many texts in one array.

    Args:
        ids: token ids of each text, special tokens included.
        first_parts: how many tokens of each text are of segment 0; the rest are of segment 1.
            None if all are of segment 0.
        targets: class of each text, None if not known.
        pad_id: id that fills short rows.
    """

    def __init__(
        self,
        ids: Sequence[Sequence[int]],
        *,
        first_parts: Sequence[int] | None,
        targets: Sequence[int] | None,
        pad_id: int,
    ) -> None:
        self.lengths: Rows = np.fromiter((len(row) for row in ids), np.int64, len(ids))
        self._ends = np.cumsum(self.lengths)
        self._ids = np.fromiter(
            (i for row in ids for i in row), np.int32, int(self._ends[-1]) if len(ids) else 0
        )
        self._first = None if first_parts is None else np.asarray(first_parts, np.int64)
        self._targets = None if targets is None else np.asarray(targets, np.int64)
        self._pad_id = pad_id

    def __len__(self) -> int:
        return len(self.lengths)

    def fingerprint(self) -> bytes:
        """Of all that the rows hold."""
        digest = hashlib.blake2b(digest_size=16)
        for array in (self.lengths, self._ids, self._first, self._targets):
            digest.update(b"-" if array is None else array.data)
        return digest.digest()

    def batch(self, rows: Rows) -> TextBatch:
        """Those rows, padded to the longest of them."""
        lengths = self.lengths[rows]
        width = int(lengths.max())
        columns = np.arange(width)
        real = columns < lengths[:, None]  # (b s)
        place = (self._ends[rows] - lengths)[:, None] + columns
        ids = np.where(real, self._ids[np.where(real, place, 0)], self._pad_id)
        segments = None
        if self._first is not None:
            segments = torch.from_numpy(
                (real & (columns >= self._first[rows][:, None])).astype(np.int64)
            )
        return TextBatch(
            ids=torch.from_numpy(ids.astype(np.int64)),
            segments=segments,
            lengths=None if real.all() else torch.from_numpy(lengths),
            targets=None if self._targets is None else torch.from_numpy(self._targets[rows]),
        )
