"""What scores are multiplied by, and the table that names it in configurations."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from wenlu.nn.masks import Mask
from wenlu.nn.parts import AttentionShape, Part, Table
from wenlu.nn.places import Places

Scale = Callable[[Mask | None, Places], float | Tensor]
"""(mask, places) -> one factor for all scores, or one for each query (b 1 q 1)"""


class ScalePart(Part, ABC):
    """What scores are multiplied by; it may depend on how many keys a query may see."""

    @abstractmethod
    def build(self, shape: AttentionShape) -> Scale:
        """The function of mask and places."""


@dataclass(frozen=True, slots=True)
class InverseRoot(ScalePart):
    """1/√d for keys of width d (paper "Attention Is All You Need")."""

    def build(self, shape: AttentionShape) -> Scale:
        return ConstantScale(shape.key_size**-0.5)


@dataclass(frozen=True, slots=True)
class ConstantScale:
    """One factor, whatever a query may see."""

    factor: float

    def __call__(self, mask: Mask | None, places: Places) -> float:
        del mask, places
        return self.factor


SCALES: Table[ScalePart] = Table(
    "scale", ScalePart, {"inverse_root": (InverseRoot, "1/√d for keys of width d")}
)
