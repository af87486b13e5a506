"""One span of a text, chosen among all: GlobalPointer of one type under one softmax.

"bert4keras in hand, baseline I have: CLUE benchmark code" reads CMRC2018 this way. Start and end
are scored together, and since there is one softmax over all spans and no normaliser inside a score,
the scores of one text's windows can be compared as they are.

Axes: b batch, s position, k best, m model width.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from wenlu.nn.global_pointer import GlobalPointer
from wenlu.nn.shapes import RealTokens, States

SpanTarget = Int[Tensor, "b 2"]
"""First and last token of the right span."""


class BestSpans(NamedTuple):
    """The best spans of each row, best first; -inf is the score of those that are not there."""

    first: Int[Tensor, "b k"]
    last: Int[Tensor, "b k"]
    scores: Float[Tensor, "b k"]


class JointSpan(nn.Module):
    """Scores of all spans inside the text, and of [CLS] for "it is not here".

    Loss: -log softmax over all cells first <= last of allowed places, at the right cell.

    Args:
        width: model width m.
        size: width of queries and keys.
    """

    def __init__(self, width: int, *, size: int = 64) -> None:
        super().__init__()
        self.pointer = GlobalPointer(width, 1, size=size)

    def forward(
        self,
        states: States,
        real: RealTokens | None,  # noqa: ARG002 - the text is a part of what is real
        inside: RealTokens,
    ) -> Float[Tensor, "b s s"]:
        """Scores; -inf where there is no span, or an end of it is neither in the text nor [CLS]."""
        allowed = inside.clone()
        allowed[:, 0] = True
        return self.pointer(states, allowed)[:, 0]

    def losses(self, scores: Float[Tensor, "b s s"], targets: SpanTarget) -> Float[Tensor, " b"]:
        """Of each row; the target (0, 0) says that the answer is not in it."""
        rows = torch.arange(len(scores), device=scores.device)
        right = scores[rows, targets[:, 0], targets[:, 1]]
        return scores.flatten(1).logsumexp(-1) - right

    def best(
        self,
        scores: Float[Tensor, "b s s"],
        inside: RealTokens,  # noqa: ARG002 - other cells are -inf already
        count: int,
    ) -> BestSpans:
        """The best spans that are not [CLS], by score.

        The best `count` cells stand in the `count` rows whose own best cells are best, so that
        few cells need be sorted.
        """
        spans = scores[:, 1:]  # what starts at [CLS] is no answer
        starts = spans.amax(-1).topk(min(count, spans.shape[1])).indices  # (b k)
        cells = spans.take_along_dim(starts[..., None], 1).flatten(1)  # (b k·s)
        found = cells.topk(min(count, cells.shape[1]))
        width = scores.shape[2]
        first = starts.take_along_dim(found.indices // width, 1) + 1
        return BestSpans(first, found.indices % width, found.values)
