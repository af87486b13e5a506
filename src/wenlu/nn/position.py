"""How positions enter a model: by its embeddings, by its attention, or by both.

Axes: b batch, h head, q query, k key, d head width.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jaxtyping import Int
from torch import Tensor, nn

from wenlu.nn.masks import Mask
from wenlu.nn.parts import AttentionShape
from wenlu.nn.passes import Pass
from wenlu.nn.places import Places


class Position(nn.Module):
    """What attention does with positions: nothing, unless a subclass says otherwise.

    Buffers move with the model, but are never rounded: `model.half()` would bend angles.
    """

    needs_queries = True
    """Whether it does something to queries and keys, so that a form must have them."""

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Position":
        exact = dict(self._buffers)
        super()._apply(fn, recurse)
        for name, moved in self._buffers.items():
            before = exact[name]
            if moved is not None and before is not None and moved.itemsize < 4:
                self._buffers[name] = before.to(moved.device)
        return self

    def keys(self, key: Tensor, positions: Int[Tensor, "#b k"]) -> dict[str, Tensor]:
        """What is kept of new keys (b h k d), by name; it is what a cache keeps.

        Args:
            key: the new keys.
            positions: where they stand.
        """
        del positions
        return {"key": key}

    def passes(
        self, query: Tensor, keys: Mapping[str, Tensor], mask: Mask | None, places: Places
    ) -> list[Pass]:
        """The passes that the attention is made of, over disjoint sets of keys.

        Args:
            query: the queries (b h q d).
            keys: what `keys` returned, of all keys, those that were kept first.
            mask: who may look at whom.
            places: where queries and keys stand.
        """
        return [Pass(query, keys["key"], mask, places)]


class Unplaced(Position):
    """Attention that is told nothing of positions."""

    needs_queries = False


class PositionPart(ABC):
    """How positions enter a model."""

    def vectors(self, max_length: int) -> int:
        """How many learned vectors are added to the embeddings."""
        del max_length
        return 0

    @abstractmethod
    def build(self, shape: AttentionShape) -> Position:
        """What one attention does with positions."""


@dataclass(frozen=True, slots=True)
class Learned(PositionPart):
    """A learned vector for each position, added to the embeddings (BERT)."""

    def vectors(self, max_length: int) -> int:
        return max_length

    def build(self, shape: AttentionShape) -> Position:
        del shape
        return Unplaced()


@dataclass(frozen=True, slots=True)
class NoPosition(PositionPart):
    """No positions: order goes unseen, but for what a causal mask shows of it."""

    def build(self, shape: AttentionShape) -> Position:
        del shape
        return Unplaced()
