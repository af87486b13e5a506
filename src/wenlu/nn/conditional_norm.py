"""A norm whose gain and bias depend on a condition.

Axes: b batch, s position, m model width, c width of the condition.
"""

import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float
from torch import Tensor, nn


class ConditionalLayerNorm(nn.Module):
    """normalise(x)·(γ + c·W_γ) + (β + c·W_β), with a condition c for each row of the batch.

    It takes the place of an ordinary norm: γ and β are taken over, and both W are 0 at first, so
    it begins as that norm and learns how the condition changes it.

    Source: "Conditional text generation based on conditional layer normalization".

    Args:
        norm: the norm whose place it takes; it is copied.
        condition: width c of the condition.
    """

    def __init__(self, norm: nn.LayerNorm, condition: int) -> None:
        super().__init__()
        self.width, self.epsilon = norm.normalized_shape[0], norm.eps
        self.weight = nn.Parameter(norm.weight.detach().clone())
        self.bias = nn.Parameter(norm.bias.detach().clone())
        self.gain = nn.Linear(condition, self.width, bias=False)
        self.shift = nn.Linear(condition, self.width, bias=False)
        nn.init.zeros_(self.gain.weight)
        nn.init.zeros_(self.shift.weight)

    def forward(
        self, x: Float[Tensor, "b s m"], condition: Float[Tensor, "b c"]
    ) -> Float[Tensor, "b s m"]:
        gain = self.weight + self.gain(condition)[:, None]  # (b 1 m)
        shift = self.bias + self.shift(condition)[:, None]  # (b 1 m)
        return F.layer_norm(x, (self.width,), eps=self.epsilon) * gain + shift
