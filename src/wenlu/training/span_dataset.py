"""Encoded texts with the spans that are marked in them, kept flat in memory."""

from collections.abc import Sequence

import numpy as np
import torch

from wenlu.models.span_tagger import SpanBatch
from wenlu.training.dataset import Rows, TextDataset
from wenlu.training.ragged import Ragged, fingerprint

TokenSpan = tuple[int, int, int]
"""Type, first and last token; tokens are counted with [CLS] as 0."""


class SpanDataset(TextDataset):
    """Token ids of many texts, and where the pieces of each type are.

    Args:
        ids: token ids of each text, [CLS] and [SEP] included.
        spans: those of each text, no span of a type twice; None if they are not known.
        pad_id: id that fills short rows.
    """

    def __init__(
        self,
        ids: Sequence[Sequence[int]],
        spans: Sequence[Sequence[TokenSpan]] | None,
        *,
        pad_id: int,
    ) -> None:
        super().__init__(ids, first_parts=None, targets=None, pad_id=pad_id)
        self._spans = None if spans is None else Ragged.from_rows(spans, np.int64, 3)

    def fingerprint(self) -> bytes:
        """Of all that the rows hold."""
        return fingerprint(super().fingerprint(), self._spans)

    def batch(self, rows: Rows) -> SpanBatch:  # type: ignore[override]
        """Those rows, padded to the longest of them."""
        texts = super().batch(rows)
        if self._spans is None:
            return SpanBatch(texts.ids, texts.lengths)
        spans, numbers = self._spans.take(rows)  # (p 3), (p)
        positives = torch.from_numpy(np.concatenate([numbers[:, None], spans], 1))
        return SpanBatch(texts.ids, texts.lengths, positives)
