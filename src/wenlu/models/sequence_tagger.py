"""An encoder whose every token gets one tag, all tags of a text chosen together by a CRF.

Axes: b batch, s position, k tag.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn

from wenlu.models.model import Model
from wenlu.nn import LinearChainCRF, Padding, initialise, real_tokens


class TagBatch(NamedTuple):
    """Texts of similar length, padded to one width, each as [CLS] text [SEP]."""

    ids: Int[Tensor, "b s"]
    lengths: Int[Tensor, " b"] | None
    """Real tokens of each row; None if no row is padded."""
    tags: Int[Tensor, "b s"] | None = None
    """The tag of each token; None if they are not known."""


class Tagged(NamedTuple):
    """What a sequence tagger makes of a batch."""

    found: list[NDArray[np.int64]] | None
    """The tags of each row, as many as it has tokens; None while training."""
    losses: Float[Tensor, " b"] | None
    """-log of the probability of each row's tags, where they were given."""


class SequenceTagger(nn.Module):
    """Encoder, one linear layer, CRF ("bert4keras in hand: Baidu LIC2020").

    Args:
        model: whose encoder becomes part of this.
        tags: number of tags k; tag 0, of what is no piece, is that of [CLS], with which every
            sequence begins.
        speed: how much faster than the rest the transitions learn. A fine-tuned encoder's rate is
            so small that at it they would stay next to nothing.
    """

    def __init__(self, model: Model, tags: int, *, speed: float = 100.0) -> None:
        super().__init__()
        self.config, self.encoder = model.config, model.encoder
        self.scores = nn.Linear(model.config.width, tags)
        initialise(self.scores, model.config.initial_std)
        self.crf = LinearChainCRF(tags, speed=speed)

    def forward(self, batch: TagBatch) -> Tagged:
        width, lengths = batch.ids.shape[1], batch.lengths
        mask = None if lengths is None else Padding(real_tokens(lengths, width))
        scores = self.scores(self.encoder(batch.ids, None, mask)).float()  # (b s k)
        losses = None if batch.tags is None else self.crf.losses(scores, batch.tags, lengths)
        return Tagged(None if self.training else self._decode(scores, lengths), losses)

    def _decode(
        self, scores: Float[Tensor, "b s k"], lengths: Int[Tensor, " b"] | None
    ) -> list[NDArray[np.int64]]:
        tags = self.crf.decode(scores, lengths, first=0).cpu().numpy()
        if lengths is None:
            return list(tags)
        return [row[:length].copy() for row, length in zip(tags, lengths.tolist(), strict=True)]
