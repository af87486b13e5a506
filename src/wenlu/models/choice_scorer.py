"""An encoder that scores each choice of a question by itself: the best-scored one is the answer.

Axes: b question, c choice, n choices of all the questions, s position.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from wenlu.models.model import Model
from wenlu.models.pooled_encoder import PooledEncoder
from wenlu.nn import Dropout, initialise


class ChoiceBatch(NamedTuple):
    """Questions with their choices: a sequence for each choice there is, one after the other."""

    ids: Int[Tensor, "n s"]
    segments: Int[Tensor, "n s"] | None
    """None if every token is of segment 0."""
    lengths: Int[Tensor, " n"] | None
    """Real tokens of each sequence; None if none is padded."""
    real: Bool[Tensor, "b c"]
    """Which choices there are: n of them."""
    targets: Int[Tensor, " b"] | None = None
    """The right choice of each question; None if it is not known."""


class Scored(NamedTuple):
    """What a scorer makes of a batch."""

    logits: Float[Tensor, "b c"]
    """Scores of the choices; minus infinity where a question has no such choice."""
    losses: Float[Tensor, " b"] | None
    """Cross-entropy over the choices of each question, where targets were given."""


class ChoiceScorer(PooledEncoder):
    """Encoder, pooling, dropout, one linear layer to one score.

    The scores of a question's choices meet in one softmax ("bert4keras in hand, baseline I have:
    CLUE benchmark code"). Choices that a question does not have are never worked out, and can be
    neither learned nor predicted.

    Args:
        model: whose encoder (and pooler, for `pooling="pooler"`) becomes part of this.
        pooling: a name from `wenlu.models.pooling.POOLINGS`.
        dropout: rate on the pooled vectors.
    """

    def __init__(self, model: Model, *, pooling: str = "first", dropout: float = 0.1) -> None:
        super().__init__(model, pooling=pooling)
        self.dropout = Dropout(dropout)
        self.scorer = nn.Linear(model.config.width, 1)
        initialise(self.scorer, model.config.initial_std)

    def forward(self, batch: ChoiceBatch) -> Scored:
        vectors = self.vectors(batch.ids, batch.segments, batch.lengths)  # (n m)
        scores = self.scorer(self.dropout(vectors)).float()[:, 0]  # (n)
        nothing = scores.new_full(batch.real.shape, -torch.inf)
        logits = nothing.masked_scatter(batch.real, scores)  # (b c)
        if batch.targets is None:
            return Scored(logits, None)
        return Scored(logits, F.cross_entropy(logits, batch.targets, reduction="none"))
