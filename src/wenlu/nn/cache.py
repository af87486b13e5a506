"""What attention keeps while decoding.

Axes: b batch, h head, k key, d head width.
"""

import torch
from torch import Tensor

from wenlu.errors import ConfigError


class LayerCache:
    """The tensors (b h k d) that one attention keeps of each token, by name, in order of arrival.

    Memory is taken in advance and doubled when it is full, so a new token does not copy the old
    ones. What `extend` returns is a view of that memory: it is true until `crop` is followed by
    another `extend`. Where gradients are recorded, everything is copied instead.

    Args:
        capacity: number of tokens to take memory for at first; as many as come first by default.
    """

    def __init__(self, capacity: int = 0) -> None:
        self.capacity, self.length = capacity, 0
        self.kept: dict[str, Tensor] = {}

    def extend(self, **new: Tensor) -> dict[str, Tensor]:
        """Add what is new of each name and return all that is kept of it.

        Raises:
            ConfigError: other names, or another number of texts, than before.
        """
        if self.kept and new.keys() != self.kept.keys():
            raise ConfigError(f"the cache keeps {', '.join(self.kept)}; got {', '.join(new)}")
        count = next(iter(new.values())).shape[2]
        for name, tensor in new.items():
            self.kept[name] = self._append(self.kept.get(name), tensor)
        self.length += count
        return {name: tensor[:, :, : self.length] for name, tensor in self.kept.items()}

    def _append(self, old: Tensor | None, new: Tensor) -> Tensor:
        """Memory that holds the old and the new."""
        start, end = self.length, self.length + new.shape[2]
        if old is None and end >= self.capacity:
            return new
        if old is not None and len(old) != len(new):
            raise ConfigError(
                f"the cache holds {len(old)} texts; got {len(new)}; call reorder before"
            )
        if new.requires_grad or (old is not None and old.requires_grad):
            return new if old is None else torch.cat([old[:, :, :start], new], 2)
        if old is None or end > old.shape[2]:
            larger = 0 if old is None else 2 * old.shape[2]
            size = (*new.shape[:2], max(end, self.capacity, larger), new.shape[3])
            grown = new.new_empty(size)
            if old is not None:
                grown[:, :, :start] = old[:, :, :start]
            old = grown
        old[:, :, start:end] = new
        return old

    def reorder(self, rows: Tensor) -> None:
        """Go on with those texts: row i becomes what row `rows[i]` is; rows may repeat."""
        self.kept = {name: tensor.index_select(0, rows) for name, tensor in self.kept.items()}

    def crop(self, length: int) -> None:
        """Forget all but the first `length` tokens."""
        if not 0 <= length <= self.length:
            raise ConfigError(f"the cache keeps {self.length} tokens; cannot crop it to {length}")
        self.length = length


class Cache:
    """One `LayerCache` a layer; hand the same one to every call of one decoding.

    Args:
        layers: number of layers.
        capacity: number of tokens to take memory for at first.
    """

    def __init__(self, layers: int, capacity: int = 0) -> None:
        self.layers = [LayerCache(capacity) for _ in range(layers)]

    def __len__(self) -> int:
        """How many positions are kept."""
        return self.layers[0].length

    def reorder(self, rows: Tensor) -> None:
        """Go on with those texts, in every layer: what beam search does at each step."""
        for layer in self.layers:
            layer.reorder(rows)

    def crop(self, length: int) -> None:
        """Forget all but the first `length` tokens, in every layer."""
        for layer in self.layers:
            layer.crop(length)
