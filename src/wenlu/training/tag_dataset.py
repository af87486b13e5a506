"""Texts with a tag for every token, kept flat in memory and padded batch by batch."""

from collections.abc import Sequence

import numpy as np
import torch

from wenlu.errors import ConfigError
from wenlu.models.sequence_tagger import TagBatch
from wenlu.training.dataset import Rows, TextDataset
from wenlu.training.ragged import Ragged, fingerprint


class TagDataset(TextDataset):
    """Token ids of many texts, and tags of equally many tokens.

    Args:
        ids: token ids of each text, special tokens included.
        tags: the tags of each text, those of special tokens included; None if they are not known.
        pad_id: id that fills short rows.
    """

    def __init__(
        self, ids: Sequence[Sequence[int]], *, tags: Sequence[Sequence[int]] | None, pad_id: int
    ) -> None:
        super().__init__(ids, first_parts=None, targets=None, pad_id=pad_id)
        self._tags = None if tags is None else Ragged.from_rows(tags, np.int32)
        if self._tags is not None and not np.array_equal(self._tags.counts, self.lengths):
            raise ConfigError("every token needs a tag, and every tag a token")

    def fingerprint(self) -> bytes:
        """Of all that the rows hold."""
        return fingerprint(super().fingerprint(), self._tags)

    def batch(self, rows: Rows) -> TagBatch:  # type: ignore[override]
        """Those rows, padded to the longest of them; the padding's tag is 0."""
        texts = super().batch(rows)
        tags = None if self._tags is None else torch.from_numpy(self._tags.padded(rows, 0))
        return TagBatch(texts.ids, texts.lengths, tags)
