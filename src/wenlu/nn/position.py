"""How positions enter a model: what a position part has to say."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from wenlu.nn.cache import LayerCache
from wenlu.nn.dot_product import Key, Mixed, Query, Value
from wenlu.nn.masks import Mask
from wenlu.nn.parts import AttentionShape, Part
from wenlu.nn.places import Places

Position = Callable[..., Tensor]
"""(form, query, key, value, mask, *, places, cache, ...what the form takes) -> (b h q d)"""


class PositionPart(Part, ABC):
    """How positions enter a model: by its embeddings, by its attention, or by both."""

    def vectors(self, max_length: int) -> int:
        """How many learned vectors are added to the embeddings."""
        del max_length
        return 0

    @abstractmethod
    def build(self, shape: AttentionShape) -> Any:  # noqa: ANN401
        """What attention is told of positions."""


@dataclass(frozen=True, slots=True)
class Learned(PositionPart):
    """A learned vector for each position, added to the embeddings (BERT)."""

    def vectors(self, max_length: int) -> int:
        return max_length

    def build(self, shape: AttentionShape) -> Position:
        del shape
        return no_position


@dataclass(frozen=True, slots=True)
class NoPosition(PositionPart):
    """No positions: order goes unseen, but for what a causal mask shows of it."""

    def build(self, shape: AttentionShape) -> Position:
        del shape
        return no_position


def no_position(
    form: Callable[..., Tensor],
    query: Query,
    key: Key,
    value: Value,
    mask: Mask | None,
    *,
    places: Places,
    cache: LayerCache | None = None,
    **rest: Any,  # noqa: ANN401
) -> Mixed:
    """Attention that is told nothing of positions (they are in the embeddings, or in the form)."""
    if cache is not None:
        key, value = cache.extend(key, value)
    return form(query, key, value, mask, places=places, **rest)
