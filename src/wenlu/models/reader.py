"""An encoder and a head that points at the answer to a question in a text.

Axes: b batch, s position, a right answer, m model width.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from wenlu.errors import ConfigError, closest
from wenlu.models.model import Model
from wenlu.nn import Dropout, Padding, real_tokens
from wenlu.nn.joint_span import BestSpans, JointSpan
from wenlu.nn.start_end import StartEnd

BEST = 5
"""Answers that are kept of each row."""

READING_HEADS: dict[str, tuple[Callable[[int, int], JointSpan | StartEnd], str]] = {
    "global": (
        lambda width, _: JointSpan(width),
        "start and end together, one softmax over all spans (GlobalPointer)",
    ),
    "pointers": (
        lambda width, longest: StartEnd(width, longest=longest),
        "start and end apart, a softmax over the tokens for each",
    ),
}
"""From model width and the longest answer to the head; and what it is, in a line."""


class ReadingBatch(NamedTuple):
    """Rows of similar length, padded to one width, each as [CLS] question [SEP] text [SEP]."""

    ids: Int[Tensor, "b s"]
    segments: Int[Tensor, "b s"] | None
    """None if every token is of segment 0."""
    lengths: Int[Tensor, " b"] | None
    """Real tokens of each row; None if no row is padded."""
    begins: Int[Tensor, " b"]
    """Where the text begins in each row."""
    targets: Int[Tensor, "b a 2"] | None = None
    """First and last token of the right answers, (0, 0) for "not here"; None if not known."""
    answers: Int[Tensor, " b"] | None = None
    """How many right answers each row has; the rest of its targets is filled up."""


class Read(NamedTuple):
    """What a reader makes of a batch."""

    best: BestSpans | None
    """The best answers in each row; None while training."""
    losses: Float[Tensor, " b"] | None
    """Of each row, where the answers are known."""


class Reader(nn.Module):
    """Encoder, dropout, and a head that chooses one span of the text.

    Where a row has several right answers, training draws one of them each time.

    Args:
        model: whose encoder becomes part of this.
        head: a name from `READING_HEADS`.
        longest: tokens of an answer at most, for a head that must be told.
        dropout: rate on the states.
    """

    def __init__(
        self, model: Model, *, head: str = "global", longest: int = 16, dropout: float = 0.1
    ) -> None:
        super().__init__()
        if head not in READING_HEADS:
            raise ConfigError(f"no head {head!r}; the closest are {closest(head, READING_HEADS)}")
        self.config, self.encoder = model.config, model.encoder
        self.dropout = Dropout(dropout)
        self.head: Any = READING_HEADS[head][0](model.config.width, longest)

    def forward(self, batch: ReadingBatch) -> Read:
        width = batch.ids.shape[1]
        real = None if batch.lengths is None else real_tokens(batch.lengths, width)
        mask = None if real is None else Padding(real)
        states = self.dropout(self.encoder(batch.ids, batch.segments, mask))
        # The text's tokens: after the first [SEP] and before the last one.
        places = torch.arange(width, device=batch.ids.device)
        ends = width if batch.lengths is None else batch.lengths[:, None]
        inside = (places >= batch.begins[:, None]) & (places < ends - 1)  # (b s)
        scored = self.head(states, real, inside)
        losses = None
        if batch.targets is not None:
            losses = self.head.losses(scored, self._drawn(batch.targets, batch.answers))
        return Read(None if self.training else self.head.best(scored, inside, BEST), losses)

    def _drawn(
        self, targets: Int[Tensor, "b a 2"], answers: Int[Tensor, " b"] | None
    ) -> Int[Tensor, "b 2"]:
        """One of the right answers of each row: any while training, otherwise the first."""
        if answers is None or not self.training or targets.shape[1] == 1:
            return targets[:, 0]
        draws = (torch.rand(len(targets), device=targets.device) * answers).long()
        return targets.take_along_dim(draws.clamp(max=answers - 1)[:, None, None], 1)[:, 0]
