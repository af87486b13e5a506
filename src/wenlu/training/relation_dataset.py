"""Texts with subjects and triples, kept flat in memory and padded batch by batch."""

from collections.abc import Sequence

import numpy as np
import torch

from wenlu.errors import ConfigError
from wenlu.models.relation_tagger import RelationBatch
from wenlu.training.dataset import Rows, TextDataset
from wenlu.training.ragged import Ragged, fingerprint

Marks = Sequence[Sequence[tuple[int, ...]]]
"""Of each text, some tuples of whole numbers, all equally long."""


class RelationDataset(TextDataset):
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
        super().__init__(ids, first_parts=None, targets=None, pad_id=pad_id)
        self._subjects = None if subjects is None else Ragged.from_rows(subjects, np.int64, 2)
        self._triples = None if triples is None else Ragged.from_rows(triples, np.int64, 5)
        for marks in (self._subjects, self._triples):
            if marks is not None and len(marks) != len(ids):
                raise ConfigError("every text needs its subjects and its triples")

    def fingerprint(self) -> bytes:
        """Of all that the rows hold."""
        return fingerprint(super().fingerprint(), self._subjects, self._triples)

    def batch(self, rows: Rows) -> RelationBatch:  # type: ignore[override]
        """Those rows, padded to the longest of them."""
        texts = super().batch(rows)
        subjects, triples = (
            None if marks is None else torch.from_numpy(marks.padded(rows, -1, least=1))
            for marks in (self._subjects, self._triples)
        )
        return RelationBatch(texts.ids, texts.lengths, subjects, triples)
