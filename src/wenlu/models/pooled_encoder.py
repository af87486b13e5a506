"""An encoder and a pooling: one vector a text, for heads to stand on.

Axes: b batch, s position, m model width.
"""

from jaxtyping import Float, Int
from torch import Tensor, nn

from wenlu.errors import CheckpointError
from wenlu.models.model import Model
from wenlu.models.pooling import pooling_named
from wenlu.nn import Padding, real_tokens


class PooledEncoder(nn.Module):
    """What turns padded texts into vectors.

    Args:
        model: whose encoder (and pooler, for `pooling="pooler"`) becomes part of this.
        pooling: a name from `wenlu.models.pooling.POOLINGS`.
    """

    def __init__(self, model: Model, *, pooling: str) -> None:
        super().__init__()
        self.config, self.pooling = model.config, pooling
        self.encoder, self.pooler = model.encoder, None
        if pooling == "pooler":
            if model.pooler is None:
                raise CheckpointError(
                    "pooling 'pooler' needs a checkpoint that has a pooler, and this one has none; "
                    "use pooling 'first' or 'mean'"
                )
            self.pooler = model.pooler
        self.pool = pooling_named(pooling)
        self.rows = 1 if pooling in ("first", "pooler") else None

    def vectors(
        self,
        ids: Int[Tensor, "b s"],
        segments: Int[Tensor, "b s"] | None,
        lengths: Int[Tensor, " b"] | None,
    ) -> Float[Tensor, "b m"]:
        """A vector for each text.

        Args:
            ids: the texts, padded to one width.
            segments: None if every token is of segment 0.
            lengths: real tokens of each text; None if none is padded.
        """
        real = None if lengths is None else real_tokens(lengths, ids.shape[1])
        mask = None if real is None else Padding(real)
        vectors = self.pool(self.encoder(ids, segments, mask, rows=self.rows), real)
        return vectors if self.pooler is None else self.pooler(vectors)
