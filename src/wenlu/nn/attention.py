"""Multi-head attention, assembled from parts.

Axes: b batch, h head, q query, k key, s either of them, d head width, m model width.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wenlu.errors import ConfigError
from wenlu.nn.cache import LayerCache
from wenlu.nn.dot_product import dot_product_form
from wenlu.nn.masks import Mask
from wenlu.nn.passes import Pass, cut, merge_passes
from wenlu.nn.places import Places
from wenlu.nn.position import Position, Unplaced
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
        form: how queries, keys and values meet; ordinary attention by default.
        position: what positions do to queries and keys: `RotaryPosition(64)`, ...
        scale: what scores are multiplied by; 1/√key_size by default.
        dropout: rate at which attention weights are dropped while training.
        queries: whether there are queries and keys; False for a form that makes its scores from
            the states alone.

    Raises:
        ConfigError: the width cannot be shared among the heads, or the position needs queries.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        head_size: int | None = None,
        key_size: int | None = None,
        form: Form = dot_product_form,
        position: Position | None = None,
        scale: Scale | None = None,
        dropout: float = 0.0,
        queries: bool = True,
    ) -> None:
        super().__init__()
        if head_size is None:
            if width % heads:
                raise ConfigError(f"width {width} cannot be shared evenly among {heads} heads")
            head_size = width // heads
        key_size = key_size or head_size
        self.heads, self.dropout = heads, dropout
        self.form, self.position = form, position or Unplaced()
        self.scale = scale or ConstantScale(key_size**-0.5)
        if self.position.needs_queries and not queries:
            raise ConfigError(
                f"{type(self.position).__name__} acts on queries and keys, but this attention form "
                "has none; use learned positions or none"
            )
        self.query = nn.Linear(width, heads * key_size) if queries else None
        self.key = nn.Linear(width, heads * key_size) if queries else None
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
        query = None if self.query is None else self._split(self.query(x))
        key = None if self.key is None else self._split(self.key(memory))
        value = self._split(self.value(memory))
        keys: dict[str, Tensor] = {}
        if key is not None:
            new = places.key.shape[1] - memory.shape[1]  # the first of them
            keys = self.position.keys(key, places.key[:, new:] if new else places.key)
        if cache is not None:
            keys = cache.extend(**keys, value=value)
            value = keys.pop("value")
        scale = self.scale(mask, places)
        if query is None:
            passes = [Pass(None, None, mask, places)]
        else:
            if isinstance(scale, Tensor):
                query = _times(query, scale)
            passes = self.position.passes(query, keys, mask, places)
        several = len(passes) > 1
        results = [
            self.form(
                cut(x, 1, pass_.rows),
                pass_,
                cut(value, 2, pass_.columns),
                scale=1.0 if isinstance(scale, Tensor) else scale,
                dropout=self.dropout if self.training else 0.0,
                lse=several or pass_.rows != slice(None),
            )
            for pass_ in passes
        ]
        mixed = merge_passes(passes, results, x.shape[1])  # (b h q d)
        return self.output(mixed.transpose(1, 2).flatten(2))

    def _split(self, x: Float[Tensor, "b s hd"]) -> Float[Tensor, "b h s d"]:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def _times(
    query: Float[Tensor, "b h q d"], scale: Float[Tensor, "#b 1 #q 1"]
) -> Float[Tensor, "b h q d"]:
    """In float32 at least: a factor that is rounded to bfloat16 is off by up to 0.4 %."""
    exact = torch.promote_types(query.dtype, torch.float32)
    return (query * scale.to(exact)).to(query.dtype)
