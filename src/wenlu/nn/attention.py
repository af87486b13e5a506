"""Multi-head attention, assembled from parts.

Axes: b batch, h head, q query, k key, s either of them, d head width, m model width.
"""

from jaxtyping import Float
from torch import Tensor, nn

from wenlu.errors import ConfigError
from wenlu.nn.cache import LayerCache
from wenlu.nn.dot_product import dot_product
from wenlu.nn.masks import Mask
from wenlu.nn.places import Places
from wenlu.nn.position import Position, no_position
from wenlu.nn.scale import ConstantScale, Scale
from wenlu.nn.scores import Form


class Attention(nn.Module):
    """Multi-head attention.

    Args:
        width: model width m.
        heads: number of heads h.
        head_size: width of a head's values; m/h by default.
        key_size: width of a head's queries and keys; as `head_size` by default. It bounds the
            rank of the scores ("Low-Rank Bottleneck in Multi-head Attention Models").
        form: how queries, keys and values meet: `dot_product`, `RelativeForm(64)`, ...
        position: how places enter the form it is handed: `RotaryPosition(64)`, ...
        scale: what scores are multiplied by; 1/√key_size by default.
        dropout: rate at which attention weights are dropped while training.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        head_size: int | None = None,
        key_size: int | None = None,
        form: Form = dot_product,
        position: Position = no_position,
        scale: Scale | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if head_size is None:
            if width % heads:
                raise ConfigError(f"width {width} cannot be shared evenly among {heads} heads")
            head_size = width // heads
        self.heads, key_size = heads, key_size or head_size
        self.scale = scale or ConstantScale(key_size**-0.5)
        self.form, self.position, self.dropout = form, position, dropout
        self.query = nn.Linear(width, heads * key_size)
        self.key = nn.Linear(width, heads * key_size)
        self.value = nn.Linear(width, heads * head_size)
        self.output = nn.Linear(heads * head_size, width)

    def forward(
        self,
        x: Float[Tensor, "b q m"],
        memory: Float[Tensor, "b k m"],
        mask: Mask | None,
        places: Places,
        cache: LayerCache | None = None,
    ) -> Float[Tensor, "b q m"]:
        """Let `x` look at `memory` (and at what `cache` holds), wherever `mask` is True."""
        mixed = self.position(
            self.form,
            self._split(self.query(x)),
            self._split(self.key(memory)),
            self._split(self.value(memory)),
            mask,
            places=places,
            cache=cache,
            scale=self.scale(mask, places),
            dropout=self.dropout if self.training else 0.0,
        )  # (b h q d)
        return self.output(mixed.transpose(1, 2).flatten(2))

    def _split(self, x: Float[Tensor, "b s hd"]) -> Float[Tensor, "b h s d"]:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)
