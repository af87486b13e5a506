"""Heads that pretraining leaves behind.

Axes: b batch, s position, m model width, v vocabulary.
"""

import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float
from torch import Tensor, nn

from wenlu.nn.config import TransformerConfig


class Pooler(nn.Module):
    """tanh(W·x + b) of the first token, trained with next-sentence prediction."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)

    def forward(self, first: Float[Tensor, "b m"], *, linear: bool = False) -> Float[Tensor, "b m"]:
        """`linear=True` leaves out the tanh, as SimBERT's sentence vectors do."""
        x = self.dense(first)
        return x if linear else x.tanh()


class MaskedLanguageHead(nn.Module):
    """Logits over the vocabulary: a dense layer, then the token embeddings used backwards.

    The embeddings are handed to `forward`, so that the two are one tensor by construction.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        narrow = config.embedding_width or config.width
        self.dense = nn.Linear(config.width, narrow)
        self.norm = config.norm.build(narrow)
        self.bias = nn.Parameter(self.dense.weight.new_zeros(config.vocabulary))
        self.activation = config.activation.build()

    def forward(
        self, states: Float[Tensor, "*b m"], tokens: Float[Tensor, "v e"]
    ) -> Float[Tensor, "*b v"]:
        return F.linear(self.norm(self.activation(self.dense(states))), tokens, self.bias)
