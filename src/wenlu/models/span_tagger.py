"""An encoder and a GlobalPointer head: which spans of a text are of which types.

Axes: b batch, s position, t type, p span that is of a type, n found span.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn

from wenlu.losses import sparse_multilabel_loss
from wenlu.models.model import Model
from wenlu.nn import (
    Dropout,
    EfficientGlobalPointer,
    GlobalPointer,
    Padding,
    WithPrior,
    real_tokens,
)

SPAN_HEADS: dict[str, Callable[[int, int], nn.Module]] = {
    "global": GlobalPointer,
    "efficient": EfficientGlobalPointer,
}
"""From model width and number of types to scores of all spans."""

PRIOR = -10.0
"""What a span scores before training, more or less. On 2,000 texts of CLUENER, three epochs from 0
bring a macro-F1 of 21, from -4 30, from -8 39, from -10 and -13 41 per cent."""


class SpanBatch(NamedTuple):
    """Texts of similar length, padded to one width, each as [CLS] text [SEP]."""

    ids: Int[Tensor, "b s"]
    lengths: Int[Tensor, " b"] | None
    """Real tokens of each row; None if no row is padded."""
    positives: Int[Tensor, "p 4"] | None = None
    """Row, type, first and last token of each span that is of a type; None if not known."""


class SpanScores(NamedTuple):
    """What a span tagger makes of a batch."""

    scores: Float[Tensor, "b t s s"]
    """Of each type for each span first..last; above 0 where it is taken."""
    losses: Float[Tensor, " b"] | None
    """Of each row, a mean over the types, where the spans are known."""


class FoundSpans(NamedTuple):
    """The spans of a row that score above 0, in order of types and places."""

    types: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    scores: NDArray[np.float32]


class SpanTagger(nn.Module):
    """Encoder, dropout, a head that scores all spans ("GlobalPointer").

    [CLS] and [SEP] are in no span, while training as well as afterwards. The losses are made from
    the places of the spans, without a matrix of targets.

    Args:
        model: whose encoder becomes part of this.
        types: number of types t.
        head: a name from `SPAN_HEADS`.
        dropout: rate on the states.
    """

    def __init__(
        self, model: Model, types: int, *, head: str = "global", dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.config, self.encoder = model.config, model.encoder
        self.dropout = Dropout(dropout)
        self.head = WithPrior(SPAN_HEADS[head](model.config.width, types), types, start=PRIOR)

    def forward(self, batch: SpanBatch) -> SpanScores:
        rows, width = batch.ids.shape
        mask = None
        if batch.lengths is not None:
            mask = Padding(real_tokens(batch.lengths, width))
        states = self.encoder(batch.ids, None, mask)
        # Places 1 to length - 2 are the text's.
        places = torch.arange(width, device=batch.ids.device)
        ends = places.new_full((rows,), width) if batch.lengths is None else batch.lengths
        inside = (places > 0) & (places < ends[:, None] - 1)  # (b s)
        scores = self.head(self.dropout(states), inside)
        if batch.positives is None:
            return SpanScores(scores, None)
        return SpanScores(scores, sparse_multilabel_loss(scores, batch.positives, dims=2).mean(1))


def found_spans(scores: Float[Tensor, "b t s s"]) -> list[FoundSpans]:
    """What is taken in each row, on the CPU.

    Most places start nothing: all scores are passed over once, for the best end of each start.
    """
    scores = scores.detach()
    starts = (scores.amax(3) > 0).nonzero()  # (n 3), in order of rows, types and places
    best = scores[starts.unbind(1)]  # (n s)
    number, last = (best > 0).nonzero().unbind(1)
    values = best[number, last].float().cpu().numpy()
    rows, types, first = starts[number].cpu().numpy().T
    ends = last.cpu().numpy()
    cuts = np.searchsorted(rows, np.arange(len(scores) + 1)).tolist()
    return [
        FoundSpans(types[a:b].copy(), first[a:b].copy(), ends[a:b].copy(), values[a:b].copy())
        for a, b in pairwise(cuts)
    ]
