"""How queries, keys and values meet: the attention forms that configurations name."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from wenlu.nn.dot_product import dot_product
from wenlu.nn.parts import AttentionShape, Part, Table

Form = Callable[..., Tensor]
"""(query, key, value, mask, *, places, scale, dropout) -> (b h q d)"""


class ScoresPart(Part, ABC):
    """An attention form: what a score is, and how weights meet the values."""

    @abstractmethod
    def build(self, shape: AttentionShape) -> Form:
        """The form of one attention; a module if it has weights."""


@dataclass(frozen=True, slots=True)
class DotProduct(ScoresPart):
    """Query times key (paper "Attention Is All You Need")."""

    def build(self, shape: AttentionShape) -> Form:
        del shape
        return dot_product


SCORES: Table[ScoresPart] = Table(
    "scores", ScoresPart, {"dot_product": (DotProduct, "query times key, by fused kernels")}
)
