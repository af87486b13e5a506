"""From token ids to vectors.

Axes: b batch, s position, m model width.
"""

from jaxtyping import Float, Int
from torch import Tensor, nn

from wenlu.nn.dropout import Dropout
from wenlu.nn.norm import NormPart


class Embeddings(nn.Module):
    """The sum of token, position and segment vectors, normed, dropped out and projected.

    Args:
        vocabulary: number of tokens.
        width: width of the vectors that are summed.
        positions: number of learned positions, 0 for none.
        segments: number of segments, 0 for none.
        norm: the norm after the sum; None for no norm.
        dropout: rate.
        output_width: project to this width (ALBERT's factorisation); None for no projection.
    """

    def __init__(
        self,
        vocabulary: int,
        width: int,
        *,
        positions: int,
        segments: int,
        norm: NormPart | None,
        dropout: float,
        output_width: int | None,
    ) -> None:
        super().__init__()
        self.token = nn.Embedding(vocabulary, width)
        self.position = nn.Embedding(positions, width) if positions else None
        self.segment = nn.Embedding(segments, width) if segments else None
        self.norm = None if norm is None else norm.build(width)
        self.projection = None if output_width is None else nn.Linear(width, output_width)
        self.dropout = Dropout(dropout)

    def forward(
        self,
        ids: Int[Tensor, "b s"],
        segments: Int[Tensor, "b s"] | None,
        positions: Int[Tensor, "#b s"],
    ) -> Float[Tensor, "b s m"]:
        x = self.token(ids)
        if self.segment is not None:
            # Without segments every token is of segment 0.
            x = x + (self.segment.weight[0] if segments is None else self.segment(segments))
        if self.position is not None:
            x = x + self.position(positions)
        if self.norm is not None:
            x = self.norm(x)
        x = self.dropout(x)
        return x if self.projection is None else self.projection(x)
