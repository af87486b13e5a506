"""Keys and values that are kept while decoding."""

import torch
from torch import Tensor


class LayerCache:
    """The keys and values that one attention layer has met, in order of arrival."""

    def __init__(self) -> None:
        self.key: Tensor | None = None
        self.value: Tensor | None = None

    def extend(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Add new ones (b h k d) and return all."""
        if self.key is None or self.value is None:
            self.key, self.value = key, value
        else:
            self.key = torch.cat([self.key, key], 2)
            self.value = torch.cat([self.value, value], 2)
        return self.key, self.value


class Cache:
    """One `LayerCache` a layer; hand the same one to every call of one decoding."""

    def __init__(self, layers: int) -> None:
        self.layers = [LayerCache() for _ in range(layers)]

    def __len__(self) -> int:
        """How many positions are kept."""
        key = self.layers[0].key
        return 0 if key is None else key.shape[2]
