"""What encodes texts, whatever it is made of.

Axes: b batch, s position, r the first positions that are wanted, m model width.
"""

from collections.abc import Iterator
from typing import Protocol

from jaxtyping import Float, Int
from torch import Tensor

from wenlu.nn.masks import Mask


class Encoder(Protocol):
    """Token ids to states: a `Transformer`, or what stands on one (a ladder, an ensemble)."""

    @property
    def width(self) -> int:
        """Width m of the states."""

    def __call__(
        self,
        ids: Int[Tensor, "b s"],
        segments: Int[Tensor, "b s"] | None = None,
        mask: Mask | None = None,
        *,
        rows: int | None = None,
    ) -> Float[Tensor, "b r m"]:
        """The last states, of the first `rows` positions only if that is given."""

    def states(
        self,
        ids: Int[Tensor, "b s"],
        segments: Int[Tensor, "b s"] | None = None,
        mask: Mask | None = None,
    ) -> Iterator[Float[Tensor, "b s m"]]:
        """The embedded input, then the output of each layer."""
