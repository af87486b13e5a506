"""Who may look at whom: values that combine with `&`, `|` and `~`. True means "may look".

Axes: b batch, q query, k key, s either of them.
"""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from wenlu.errors import ConfigError
from wenlu.nn.places import Places

ALL = slice(None)
Allowed = Bool[Tensor, "#b 1 #q #k"]


class Mask(ABC):
    """Which keys a query may look at.

    A mask of your own needs `dense` only. It may say its `count` without building the whole tensor,
    and a part of itself (`within`).
    """

    @abstractmethod
    def dense(self, places: Places) -> Allowed:
        """The mask as a tensor, with a head axis to broadcast over."""

    def within(self, places: Places, rows: slice, columns: slice) -> Allowed:
        """The part of `dense(places)` for those queries and keys."""
        allowed = self.dense(places)
        if allowed.shape[2] > 1:  # else it broadcasts over the queries
            allowed = allowed[:, :, rows]
        return allowed[:, :, :, columns] if allowed.shape[3] > 1 else allowed

    def count(
        self, places: Places, among: Bool[Tensor, "#b k"] | None = None
    ) -> Int[Tensor, "#b #q"]:
        """How many keys each query may see; only those that are True in `among`, if it is given."""
        allowed = self.dense(places)[:, 0]
        if among is not None:
            allowed = allowed & among[:, None]
        seen = allowed.sum(-1)
        return seen if allowed.shape[2] == places.key.shape[1] else seen * places.key.shape[1]

    def narrow(self, rows: slice = ALL, columns: slice = ALL) -> "Mask":
        """The mask for a part of the queries and keys; it is asked with the places of all."""
        return self if rows == ALL and columns == ALL else Narrowed(self, rows, columns)

    def __and__(self, other: "Mask | None") -> "Mask":
        return self if other is None else Both(self, other)

    def __or__(self, other: "Mask") -> "Mask":
        return ~(~self & ~other)

    def __invert__(self) -> "Mask":
        return Inverse(self)


class Both(Mask):
    """What two masks both allow."""

    def __init__(self, first: Mask, second: Mask) -> None:
        self.first, self.second = first, second

    def dense(self, places: Places) -> Allowed:
        return self.first.dense(places) & self.second.dense(places)

    def within(self, places: Places, rows: slice, columns: slice) -> Allowed:
        first = self.first.within(places, rows, columns)
        return first & self.second.within(places, rows, columns)

    def count(
        self, places: Places, among: Bool[Tensor, "#b k"] | None = None
    ) -> Int[Tensor, "#b #q"]:
        """Padding only narrows down what the other mask counts among."""
        for padding, other in ((self.first, self.second), (self.second, self.first)):
            if isinstance(padding, Padding):
                real = padding.keys(places)
                return other.count(places, real if among is None else real & among)
        return super().count(places, among)


class Inverse(Mask):
    """What a mask forbids."""

    def __init__(self, mask: Mask) -> None:
        self.mask = mask

    def dense(self, places: Places) -> Allowed:
        return ~self.mask.dense(places)

    def within(self, places: Places, rows: slice, columns: slice) -> Allowed:
        return ~self.mask.within(places, rows, columns)

    def count(
        self, places: Places, among: Bool[Tensor, "#b k"] | None = None
    ) -> Int[Tensor, "#b #q"]:
        every = places.key.shape[1] if among is None else among.sum(-1, keepdim=True)
        return every - self.mask.count(places, among)

    def __invert__(self) -> Mask:
        return self.mask


class Narrowed(Mask):
    """A mask for a part of the queries and keys; combine masks before they are narrowed."""

    def __init__(self, mask: Mask, rows: slice, columns: slice) -> None:
        self.mask, self.rows, self.columns = mask, rows, columns

    def dense(self, places: Places) -> Allowed:
        return self.mask.within(places, self.rows, self.columns)

    def count(
        self, places: Places, among: Bool[Tensor, "#b k"] | None = None
    ) -> Int[Tensor, "#b #q"]:
        chosen = torch.zeros_like(places.key[:1], dtype=torch.bool)
        chosen[:, self.columns] = True
        seen = self.mask.count(places, chosen if among is None else chosen & among)
        return seen[:, self.rows] if seen.shape[1] > 1 else seen


class Padding(Mask):
    """Only real tokens are looked at.

    Args:
        real: True where a key is a token of the text, False where it is padding.
    """

    def __init__(self, real: Bool[Tensor, "b k"]) -> None:
        self.real = real

    def dense(self, places: Places) -> Allowed:
        return self.keys(places)[:, None, None, :]

    def count(
        self, places: Places, among: Bool[Tensor, "#b k"] | None = None
    ) -> Int[Tensor, "#b #q"]:
        real = self.keys(places)
        return (real if among is None else real & among).sum(-1, keepdim=True)

    def keys(self, places: Places) -> Bool[Tensor, "b k"]:
        """Which keys are real; an error if it is not as many as there are keys."""
        _check_keys("padding", self.real, places)
        return self.real


class Causal(Mask):
    """A query sees its own position and those before it."""

    def dense(self, places: Places) -> Allowed:
        return self.within(places, ALL, ALL)

    def within(self, places: Places, rows: slice, columns: slice) -> Allowed:
        return (places.key[:, None, columns] <= places.query[:, rows, None])[:, None]

    def count(
        self, places: Places, among: Bool[Tensor, "#b k"] | None = None
    ) -> Int[Tensor, "#b #q"]:
        if not places.counted:
            return super().count(places, among)
        return _sums(places, among)[:, 1:][:, places.of_queries]


class Window(Mask):
    """A query sees keys less than `width` positions away, on either side."""

    def __init__(self, width: int) -> None:
        self.width = width

    def dense(self, places: Places) -> Allowed:
        return self.within(places, ALL, ALL)

    def within(self, places: Places, rows: slice, columns: slice) -> Allowed:
        query, key = places.query[:, rows, None], places.key[:, None, columns]
        return ((key < query + self.width) & (key > query - self.width))[:, None]

    def count(
        self, places: Places, among: Bool[Tensor, "#b k"] | None = None
    ) -> Int[Tensor, "#b #q"]:
        if not places.counted:
            return super().count(places, among)
        sums, query = _sums(places, among), places.query[0]
        end = (query + self.width).clamp(max=places.key.shape[1])
        return sums[:, end] - sums[:, (query - self.width + 1).clamp(min=0)]


class Prefix(Mask):
    """UniLM's mask: source sees source; a target token sees the source and what precedes it.

    Source: "SimBERT"; paper "Unified Language Model Pre-training (UniLM)". Padding looks like
    source here, so it must be masked beside it: `Prefix(segments) & Padding(real)`.

    Args:
        segments: 0 for the source, 1 for the target, one a key.
    """

    def __init__(self, segments: Int[Tensor, "b k"]) -> None:
        self.steps = segments.cumsum(-1)

    def dense(self, places: Places) -> Allowed:
        return self.within(places, ALL, ALL)

    def within(self, places: Places, rows: slice, columns: slice) -> Allowed:
        _check_keys("prefix", self.steps, places)
        query = self.steps[:, places.of_queries][:, rows]
        return self.steps[:, None, None, columns] <= query[:, None, :, None]

    def count(
        self, places: Places, among: Bool[Tensor, "#b k"] | None = None
    ) -> Int[Tensor, "#b #q"]:
        """Steps never fall, so the keys that a query sees are the first few."""
        _check_keys("prefix", self.steps, places)
        steps = self.steps[:, places.of_queries].contiguous()
        first = torch.searchsorted(self.steps, steps, right=True)  # (b q)
        if among is None:
            return first
        return _sums(places, among).expand(len(first), -1).gather(1, first)


def _sums(places: Places, among: Bool[Tensor, "#b k"] | None) -> Int[Tensor, "#b n"]:
    """How many of the first 0, 1, 2, ... keys are among those."""
    keys = places.key.shape[1]
    if among is None:
        return torch.arange(keys + 1, device=places.key.device)[None]
    return torch.nn.functional.pad(among.cumsum(-1), (1, 0))


def _check_keys(name: str, given: Tensor, places: Places) -> None:
    if given.shape[1] != places.key.shape[1]:
        raise ConfigError(
            f"the {name} mask speaks of {given.shape[1]} keys, but there are "
            f"{places.key.shape[1]}; while decoding, it must speak of the kept ones too"
        )


def real_tokens(lengths: Int[Tensor, " b"], width: int) -> Bool[Tensor, "b k"]:
    """True for the first `lengths[b]` of `width` places in every row."""
    return torch.arange(width, device=lengths.device) < lengths[:, None]
