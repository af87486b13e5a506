"""Texts with a tag for every token, kept flat in memory and padded batch by batch."""

from collections.abc import Sequence

from wenlu.errors import ConfigError
from wenlu.models.sequence_tagger import TagBatch
from wenlu.training.dataset import Rows, TextDataset


class TagDataset:
    """Token ids of many texts, and tags of equally many tokens.

    Args:
        ids: token ids of each text, special tokens included.
        tags: the tags of each text, those of special tokens included; None if they are not known.
        pad_id: id that fills short rows.
    """

    def __init__(
        self, ids: Sequence[Sequence[int]], *, tags: Sequence[Sequence[int]] | None, pad_id: int
    ) -> None:
        self._texts = TextDataset(ids, first_parts=None, targets=None, pad_id=pad_id)
        self._tags = None
        if tags is not None:
            self._tags = TextDataset(tags, first_parts=None, targets=None, pad_id=0)
            if self._tags.lengths.tolist() != self._texts.lengths.tolist():
                raise ConfigError("every token needs a tag, and every tag a token")

    def __len__(self) -> int:
        return len(self._texts)

    @property
    def lengths(self) -> Rows:
        return self._texts.lengths

    def fingerprint(self) -> bytes:
        """Of all that the rows hold."""
        parts = (self._texts, self._tags)
        return b"".join(b"-" if part is None else part.fingerprint() for part in parts)

    def batch(self, rows: Rows) -> TagBatch:
        """Those rows, padded to the longest of them; the padding's tag is 0."""
        texts = self._texts.batch(rows)
        tags = None if self._tags is None else self._tags.batch(rows).ids
        return TagBatch(texts.ids, texts.lengths, tags)
