"""One tensor as another library stores it, and the tensors of ours that it holds."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from wenlu.checkpoints.skeleton import Shape


class Entry(NamedTuple):
    """A stored tensor and what it is called here.

    Several of ours in one (GPT-2 keeps query, key and value together) are stacked by outputs.
    """

    stored: str
    """The name there."""
    ours: tuple[str, ...]
    """The names here, in the order in which they are stacked."""
    transposed: bool = False
    """Stored as (in, out) where ours is (out, in)."""

    def shape(self, shapes: Mapping[str, Shape]) -> Shape:
        """The shape it must be stored in, from the shapes of ours."""
        first = shapes[self.ours[0]]
        whole = (sum(shapes[name][0] for name in self.ours), *first[1:])
        return whole[::-1] if self.transposed else whole

    def unpack(self, tensor: Tensor, shapes: Mapping[str, Shape]) -> dict[str, Tensor]:
        """Ours from the stored one, as float32, each in memory of its own."""
        whole = tensor.float()
        if self.transposed:
            whole = whole.T.contiguous()
        if len(self.ours) == 1:
            return {self.ours[0]: whole}
        pieces = whole.split([shapes[name][0] for name in self.ours])
        return {name: piece.clone() for name, piece in zip(self.ours, pieces, strict=True)}

    def pack(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """The stored one from ours."""
        pieces = [tensors[name] for name in self.ours]
        whole = pieces[0] if len(pieces) == 1 else torch.cat(pieces)
        return (whole.T if self.transposed else whole).contiguous()
