"""An encoder with one linear layer on the pooled text: classes, or labels of pairs.

Axes: b batch, s position, c class.
"""

from typing import NamedTuple

import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float, Int
from torch import Tensor, nn

from wenlu.models.model import Model
from wenlu.models.pooled_encoder import PooledEncoder
from wenlu.nn import Dropout, initialise


class TextBatch(NamedTuple):
    """Texts of similar length, padded to one width."""

    ids: Int[Tensor, "b s"]
    segments: Int[Tensor, "b s"] | None
    """None if every token is of segment 0."""
    lengths: Int[Tensor, " b"] | None
    """Real tokens of each row; None if no row is padded."""
    targets: Int[Tensor, " b"] | None = None
    """Class of each row; None if it is not known."""


class Classified(NamedTuple):
    """What a classifier makes of a batch."""

    logits: Float[Tensor, "b c"]
    losses: Float[Tensor, " b"] | None
    """Cross-entropy of each row, where targets were given."""


class Classifier(PooledEncoder):
    """Encoder, pooling, dropout, one linear layer ("bert4keras in hand: CLUE benchmark code").

    Args:
        model: whose encoder (and pooler, for `pooling="pooler"`) becomes part of this.
        classes: number of classes c.
        pooling: a name from `wenlu.models.pooling.POOLINGS`.
        dropout: rate on the pooled vector.
    """

    def __init__(
        self, model: Model, classes: int, *, pooling: str = "first", dropout: float = 0.1
    ) -> None:
        super().__init__(model, pooling=pooling)
        self.dropout = Dropout(dropout)
        self.classifier = nn.Linear(model.config.width, classes)
        initialise(self.classifier, model.config.initial_std)

    def forward(self, batch: TextBatch) -> Classified:
        vector = self.vectors(batch.ids, batch.segments, batch.lengths)
        logits = self.classifier(self.dropout(vector)).float()
        if batch.targets is None:
            return Classified(logits, None)
        return Classified(logits, F.cross_entropy(logits, batch.targets, reduction="none"))
