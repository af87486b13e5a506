"""Encoded texts with the spans that are marked in them, kept flat in memory."""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch

from wenlu.models.span_tagger import SpanBatch
from wenlu.training.dataset import Rows, TextDataset

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
        self._spans: Rows | None = None
        if spans is not None:
            flat = [span for row in spans for span in row]
            self._spans = np.array(flat, np.int64).reshape(-1, 3)
            counts = np.fromiter(map(len, spans), np.int64, len(spans))
            self._span_ends = np.cumsum(counts)
            self._span_starts = self._span_ends - counts

    def fingerprint(self) -> bytes:
        """Of all that the rows hold."""
        digest = hashlib.blake2b(super().fingerprint(), digest_size=16)
        if self._spans is not None:
            digest.update(self._span_ends.data)
            digest.update(self._spans.data)
        return digest.digest()

    def batch(self, rows: Rows) -> SpanBatch:  # type: ignore[override]
        """Those rows, padded to the longest of them."""
        texts = super().batch(rows)
        if self._spans is None:
            return SpanBatch(texts.ids, texts.lengths)
        starts, ends = self._span_starts[rows], self._span_ends[rows]
        places = [np.arange(a, b) for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
        spans = self._spans[np.concatenate(places)]  # (p 3)
        numbers = np.repeat(np.arange(len(rows)), ends - starts)
        positives = torch.from_numpy(np.concatenate([numbers[:, None], spans], 1))
        return SpanBatch(texts.ids, texts.lengths, positives)
