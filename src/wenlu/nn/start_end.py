"""One span of a text by two softmaxes over its places, one for the start and one for the end.

The head of "BERT: Pre-training of Deep Bidirectional Transformers" for SQuAD, as "bert4keras in
hand: Baidu LIC2020" decodes it.

Axes: b batch, s position, n place of an end relative to its start, m model width.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float
from torch import Tensor, nn

from wenlu.errors import ConfigError
from wenlu.nn.initialisation import initialise_by_inputs
from wenlu.nn.joint_span import BestSpans, SpanTarget
from wenlu.nn.shapes import RealTokens, States

Logs = Float[Tensor, "b s 2"]


class StartEnd(nn.Module):
    """Log-probabilities of start and end for every token.

    Loss: mean of the two cross-entropies. Found: the spans with the largest p_start · p_end, of at
    most `longest` tokens.

    Args:
        width: model width m.
        longest: tokens of an answer at most, when it is looked for.
    """

    def __init__(self, width: int, *, longest: int = 16) -> None:
        super().__init__()
        if longest < 1:
            raise ConfigError(f"an answer has at least one token; got longest={longest}")
        self.longest = longest
        self.ends = nn.Linear(width, 2)
        initialise_by_inputs(self.ends)

    def forward(
        self,
        states: States,
        real: RealTokens | None,
        inside: RealTokens,  # noqa: ARG002 - the softmax is over all tokens
    ) -> Logs:
        """Log-probabilities over the real tokens of each row."""
        logits = self.ends(states).float()
        if real is not None:
            logits = logits.masked_fill(~real[..., None], -torch.inf)
        return logits.log_softmax(1)

    def losses(self, logs: Logs, targets: SpanTarget) -> Float[Tensor, " b"]:
        """Of each row."""
        return -logs.take_along_dim(targets[:, None], 1).mean((1, 2))

    def best(self, logs: Logs, inside: RealTokens, count: int) -> BestSpans:
        """The best spans inside the text, by log p_start + log p_end."""
        start, end = logs.masked_fill(~inside[..., None], -torch.inf).unbind(-1)  # (b s) each
        ends = F.pad(end, (0, self.longest - 1), value=-torch.inf).unfold(1, self.longest, 1)
        cells = (start[..., None] + ends).flatten(1)  # (b s·n)
        found = cells.topk(min(count, cells.shape[1]))
        first = found.indices // self.longest
        return BestSpans(first, first + found.indices % self.longest, found.values)
