"""Who may look at whom: values that combine with `&`. True means "may look".

Axes: b batch, q query, k key, s either of them.
"""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from wenlu.errors import ConfigError
from wenlu.nn.places import Places


class Mask(ABC):
    """Which keys a query may look at."""

    @abstractmethod
    def dense(self, places: Places) -> Bool[Tensor, "#b 1 #q #k"]:
        """The mask as a tensor, with a head axis to broadcast over."""

    def __and__(self, other: "Mask | None") -> "Mask":
        return self if other is None else Both(self, other)


class Both(Mask):
    """What two masks both allow."""

    def __init__(self, first: Mask, second: Mask) -> None:
        self.first, self.second = first, second

    def dense(self, places: Places) -> Bool[Tensor, "#b 1 #q #k"]:
        return self.first.dense(places) & self.second.dense(places)


class Padding(Mask):
    """Only real tokens are looked at.

    Args:
        real: True where a key is a token of the text, False where it is padding.
    """

    def __init__(self, real: Bool[Tensor, "b k"]) -> None:
        self.real = real

    def dense(self, places: Places) -> Bool[Tensor, "#b 1 #q #k"]:
        _check_keys("padding", self.real, places)
        return self.real[:, None, None, :]


class Causal(Mask):
    """A query sees its own position and those before it."""

    def dense(self, places: Places) -> Bool[Tensor, "#b 1 #q #k"]:
        return (places.distance <= 0)[:, None]


class Window(Mask):
    """A query sees keys less than `width` positions away, on either side."""

    def __init__(self, width: int) -> None:
        self.width = width

    def dense(self, places: Places) -> Bool[Tensor, "#b 1 #q #k"]:
        return (places.distance.abs() < self.width)[:, None]


class Prefix(Mask):
    """UniLM's mask: source sees source; a target token sees the source and what precedes it.

    Source: "SimBERT"; paper "Unified Language Model Pre-training (UniLM)". Padding looks like
    source here, so it must be masked beside it: `Prefix(segments) & Padding(real)`.

    Args:
        segments: 0 for the source, 1 for the target, one a key.
    """

    def __init__(self, segments: Int[Tensor, "b k"]) -> None:
        self.steps = segments.cumsum(-1)

    def dense(self, places: Places) -> Bool[Tensor, "#b 1 #q #k"]:
        _check_keys("prefix", self.steps, places)
        queries = slice(places.first, places.first + places.query.shape[1])
        return self.steps[:, None, None, :] <= self.steps[:, None, queries, None]


def _check_keys(name: str, given: Tensor, places: Places) -> None:
    if given.shape[1] != places.key.shape[1]:
        raise ConfigError(
            f"the {name} mask speaks of {given.shape[1]} keys, but there are "
            f"{places.key.shape[1]}; while decoding, it must speak of the kept ones too"
        )


def real_tokens(lengths: Int[Tensor, " b"], width: int) -> Bool[Tensor, "b k"]:
    """True for the first `lengths[b]` of `width` places in every row."""
    return torch.arange(width, device=lengths.device) < lengths[:, None]
