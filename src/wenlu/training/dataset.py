"""Encoded texts, kept flat in memory and padded batch by batch."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from wenlu.models.classifier import TextBatch
from wenlu.training.ragged import Ragged, fingerprint

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
        self._ids = Ragged.from_rows(ids, np.int32)
        self.lengths: Rows = self._ids.counts
        self._first = None if first_parts is None else np.asarray(first_parts, np.int64)
        self._targets = None if targets is None else np.asarray(targets, np.int64)
        self._pad_id = pad_id

    def __len__(self) -> int:
        return len(self.lengths)

    def fingerprint(self) -> bytes:
        """Of all that the rows hold."""
        return fingerprint(self._ids, self._first, self._targets)

    def batch(self, rows: Rows) -> TextBatch:
        """Those rows, padded to the longest of them."""
        lengths = self.lengths[rows]
        ids = self._ids.padded(rows, self._pad_id)
        columns = np.arange(ids.shape[1])
        real = columns < lengths[:, None]  # (b s)
        segments = None
        if self._first is not None:
            segments = torch.from_numpy(
                (real & (columns >= self._first[rows][:, None])).astype(np.int64)
            )
        return TextBatch(
            ids=torch.from_numpy(ids),
            segments=segments,
            lengths=None if real.all() else torch.from_numpy(lengths),
            targets=None if self._targets is None else torch.from_numpy(self._targets[rows]),
        )
