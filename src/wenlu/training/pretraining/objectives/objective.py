"""What an objective is.

Several can be trained at once on the same rows: their losses are added. Each says what rows and
what attention it needs, prepares its labels (and may change the input, as masking does), and works
out a loss for each label.
"""

from collections.abc import Collection
from typing import NamedTuple, Protocol, runtime_checkable

import torch.nn.functional as F  # noqa: N812
from jaxtyping import Bool, Float, Int
from torch import Tensor

from wenlu.models import Model
from wenlu.nn import Causal, Mask, Padding, Prefix, real_tokens
from wenlu.training.pretraining.batch import Labels, PretrainingBatch, Rows


class Scored(NamedTuple):
    """How well each of n labels was predicted."""

    losses: Float[Tensor, " n"]
    correct: Bool[Tensor, " n"]


@runtime_checkable
class Stated(Protocol):
    """What each objective says of itself."""

    @property
    def name(self) -> str:
        """As on the command line."""

    @property
    def layout(self) -> str | None:
        """The layout of rows that it needs; None if any will do."""

    @property
    def attention(self) -> str | None:
        """The kind, full, causal or unilm; None if any but causal will do."""

    @property
    def heads(self) -> Collection[str]:
        """The heads that the model must have."""

    def prepare(self, rows: Rows) -> Labels:
        """What is to be predicted; may change `rows.ids`."""


@runtime_checkable
class Scoring(Stated, Protocol):
    """A term of the loss in which each label counts alone."""

    def score(self, model: Model, states: Float[Tensor, "b s m"], labels: Labels) -> Scored:
        """The loss of each label."""


@runtime_checkable
class Comparing(Stated, Protocol):
    """A term of the loss that compares all rows of a batch."""

    def vectors(
        self, model: Model, states: Float[Tensor, "b s m"], labels: Labels
    ) -> Float[Tensor, "n d"]:
        """What is compared."""

    def compare(self, vectors: Float[Tensor, "n d"]) -> Scored:
        """The loss of each row; rows of other processes may stand beside those of this one."""


Objective = Scoring | Comparing


def attention_mask(kind: str, batch: PretrainingBatch) -> Mask | None:
    """The mask that an attention of that kind needs."""
    mask: Mask | None = None
    if batch.lengths is not None:
        mask = Padding(real_tokens(batch.lengths, batch.ids.shape[1]))
    if kind == "causal":
        return Causal() & mask
    if kind == "unilm":
        return Prefix(batch.segments) & mask
    return mask


def at(states: Float[Tensor, "b s m"], places: Int[Tensor, " n"]) -> Float[Tensor, "n m"]:
    """The states at those places."""
    return states.flatten(0, 1)[places]


def score_tokens(model: Model, states: Float[Tensor, "b s m"], labels: Labels) -> Scored:
    """Cross-entropy over the vocabulary, worked out only where there is something to predict."""
    return score_classes(model.token_logits(at(states, labels.places)), labels.targets)


def score_classes(logits: Float[Tensor, "n c"], targets: Int[Tensor, " n"]) -> Scored:
    """Cross-entropy in float32."""
    losses = F.cross_entropy(logits.float(), targets, reduction="none")
    return Scored(losses, logits.detach().argmax(-1) == targets)
