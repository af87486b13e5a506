"""Texts with subjects and triples, kept flat in memory and padded batch by batch."""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from wenlu.errors import ConfigError
from wenlu.models.relation_tagger import RelationBatch
from wenlu.training.dataset import Rows, TextDataset

Marks = Sequence[Sequence[tuple[int, ...]]]
"""Of each text, some tuples of whole numbers, all equally long."""


class RelationDataset:
    """Token ids of many texts, with what is to be found in them.

    Args:
        ids: token ids of each text, special tokens included.
        subjects: first and last token of each subject, different ones; None if they are not known.
        triples: of each text as in `RelationBatch`; None if they are not known.
        pad_id: id that fills short rows.
    """

    def __init__(
        self,
        ids: Sequence[Sequence[int]],
        *,
        subjects: Marks | None,
        triples: Marks | None,
        pad_id: int,
    ) -> None:
        self._texts = TextDataset(ids, first_parts=None, targets=None, pad_id=pad_id)
        self._subjects = None if subjects is None else _Table(subjects, 2)
        self._triples = None if triples is None else _Table(triples, 5)
        for table in (self._subjects, self._triples):
            if table is not None and len(table.counts) != len(ids):
                raise ConfigError("every text needs its subjects and its triples")

    def __len__(self) -> int:
        return len(self._texts)

    @property
    def lengths(self) -> Rows:
        return self._texts.lengths

    def fingerprint(self) -> bytes:
        """Of all that the rows hold."""
        digest = hashlib.blake2b(self._texts.fingerprint(), digest_size=16)
        for table in (self._subjects, self._triples):
            for array in (None,) if table is None else (table.counts, table.values):
                digest.update(b"-" if array is None else array.data)
        return digest.digest()

    def batch(self, rows: Rows) -> RelationBatch:
        """Those rows, padded to the longest of them."""
        texts = self._texts.batch(rows)
        subjects = None if self._subjects is None else self._subjects.padded(rows)
        triples = None if self._triples is None else self._triples.padded(rows)
        return RelationBatch(texts.ids, texts.lengths, subjects, triples)


class _Table:
    """Tuples of whole numbers, any number of them in a row."""

    def __init__(self, rows: Marks, width: int) -> None:
        self.counts: NDArray[np.int64] = np.fromiter(map(len, rows), np.int64, len(rows))
        self._ends = np.cumsum(self.counts)
        flat = [mark for row in rows for mark in row]
        self.values: NDArray[np.int64] = np.array(flat, np.int64).reshape(-1, width)

    def padded(self, rows: Rows) -> torch.Tensor:
        """Those rows, with -1 where one has fewer than another; at least one place each."""
        counts = self.counts[rows]
        columns = np.arange(max(1, int(counts.max())))
        real = columns < counts[:, None]
        found = np.full((*real.shape, self.values.shape[1]), -1, np.int64)
        places = (self._ends[rows] - counts)[:, None] + columns
        found[real] = self.values[places[real]]
        return torch.from_numpy(found)
