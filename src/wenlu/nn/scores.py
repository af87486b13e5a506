"""How queries, keys and values meet: the attention forms that configurations name."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from wenlu.nn.dot_product import dot_product_form
from wenlu.nn.parts import AttentionShape, Table

Form = Callable[..., tuple[Tensor, Tensor | None]]
"""(x, pass_, value, *, scale, dropout, lse) -> mixed (b h q d), log-sum-exp (b h q) if `lse`

x: the states (b q m) of the pass's queries, for forms with projections of their own
pass_: a `Pass`: queries, keys, mask, places
value: the values (b h k d) of the pass's keys
scale: what scores are multiplied by
dropout: rate at which attention weights are dropped
lse: whether the log-sum-exp is wanted, by which passes are merged; else None is returned for it
"""


class ScoresPart(ABC):
    """An attention form: what a score is, and how weights meet the values."""

    needs_queries: ClassVar[bool] = True
    """Whether attention projects queries and keys for it; False for a form that makes its scores
    from the states alone. Its passes then hold None for both, and scale is left to the form."""

    @abstractmethod
    def build(self, shape: AttentionShape) -> Form:
        """The form of one attention; a module if it has weights."""


@dataclass(frozen=True, slots=True)
class DotProduct(ScoresPart):
    """Query times key (paper "Attention Is All You Need")."""

    def build(self, shape: AttentionShape) -> Form:
        del shape
        return dot_product_form


SCORES: Table[ScoresPart] = Table(
    "scores", ScoresPart, {"dot_product": (DotProduct, "query times key, by fused kernels")}
)
