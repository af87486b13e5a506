"""An encoder with one linear layer on the pooled text: classes, or labels of pairs.

Axes: b batch, s position, c class.
"""

from typing import NamedTuple

import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float, Int
from torch import Tensor, nn

from wenlu.errors import CheckpointError
from wenlu.models.model import Model
from wenlu.models.pooling import pooling_named
from wenlu.nn import Dropout, Padding, initialise, real_tokens


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


class Classifier(nn.Module):
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
        super().__init__()
        self.config, self.pooling = model.config, pooling
        self.encoder, self.pooler = model.encoder, None
        if pooling == "pooler":
            if model.pooler is None:
                raise CheckpointError(
                    "pooling 'pooler' needs a checkpoint that has a pooler, and this one has none; "
                    "use pooling 'first' or 'mean'"
                )
            self.pooler = model.pooler
        self.pool = pooling_named(pooling)
        self.rows = 1 if pooling in ("first", "pooler") else None
        self.dropout = Dropout(dropout)
        self.classifier = nn.Linear(model.config.width, classes)
        initialise(self.classifier, model.config.initial_deviation)

    def forward(self, batch: TextBatch) -> Classified:
        real = None if batch.lengths is None else real_tokens(batch.lengths, batch.ids.shape[1])
        mask = None if real is None else Padding(real)
        states = self.encoder(batch.ids, batch.segments, mask, rows=self.rows)
        vector = self.pool(states, real)
        if self.pooler is not None:
            vector = self.pooler(vector)
        logits = self.classifier(self.dropout(vector)).float()
        if batch.targets is None:
            return Classified(logits, None)
        return Classified(logits, F.cross_entropy(logits, batch.targets, reduction="none"))
