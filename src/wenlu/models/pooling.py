"""From the states of all tokens to one vector a text.

Axes: b batch, s position, m model width.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from wenlu.errors import ConfigError, closest

States = Float[Tensor, "b s m"]
Real = Bool[Tensor, "b t"] | None
Pooled = Float[Tensor, "b m"]
Pooling = Callable[[States, Real], Pooled]


def first(states: States, real: Real) -> Pooled:
    """The state of the first token, [CLS]."""
    del real
    return states[:, 0]


def last(states: States, real: Real) -> Pooled:
    """The state of the last real token, which in a causal model has seen all the others."""
    if real is None:
        return states[:, -1]
    return states[torch.arange(len(states), device=states.device), real.sum(-1) - 1]


def mean(states: States, real: Real) -> Pooled:
    """The mean over real tokens."""
    if real is None:
        return states.mean(1)
    weights = real.to(states.dtype)
    return torch.einsum("bsm,bs->bm", states, weights) / weights.sum(-1, keepdim=True)


def maximum(states: States, real: Real) -> Pooled:
    """The largest value of each component over real tokens."""
    if real is not None:
        states = states.masked_fill(~real[..., None], -torch.inf)
    return states.amax(1)


POOLINGS: dict[str, tuple[Pooling, str]] = {
    "first": (first, "the first token's state, [CLS]"),
    "pooler": (first, "the first token's state through the checkpoint's own tanh layer"),
    "mean": (mean, "the mean over real tokens"),
    "max": (maximum, "the largest value of each component over real tokens"),
    "last": (last, "the last real token's state, for causal models"),
}


def pooling_named(name: str) -> Pooling:
    """The pooling of that name."""
    if name not in POOLINGS:
        raise ConfigError(f"no pooling {name!r}; the closest are {closest(name, POOLINGS)}")
    return POOLINGS[name][0]
