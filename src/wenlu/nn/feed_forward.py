"""The position-wise half of a block."""

from jaxtyping import Float
from torch import Tensor, nn

from wenlu.nn.activations import Activation


class FeedForward(nn.Module):
    """W₂·activation(W₁x + b₁) + b₂, at every position alone.

    Args:
        width: model width m.
        inner_width: width between the two matrices.
        activation: what stands between them.
    """

    def __init__(self, width: int, inner_width: int, activation: Activation) -> None:
        super().__init__()
        self.inner = nn.Linear(width, inner_width)
        self.outer = nn.Linear(inner_width, width)
        self.activation = activation

    def forward(self, x: Float[Tensor, "b s m"]) -> Float[Tensor, "b s m"]:
        return self.outer(self.activation(self.inner(x)))
