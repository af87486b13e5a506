"""What is read from a folder: plain values, by our names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from wenlu.checkpoints.description import Description
from wenlu.checkpoints.skeleton import parts_in
from wenlu.nn import TransformerConfig


@dataclass(frozen=True, kw_only=True)
class Notes:
    """What is kept beside the weights."""

    labels: list[str] | None = None
    """The classifier's labels, if they were stored."""
    pooling: str | None = None
    """What the classifier stands on, if it is known: `first`, `pooler`, `mean` or `max`."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What the writer kept beside the model (`wenlu.json`)."""
    parts: Mapping[str, Description] = field(default_factory=dict)
    """How parts that are not ours are made again."""


NOTHING = Notes()


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A model as it was read: a configuration and tensors by our names, not yet a model."""

    config: TransformerConfig
    """The encoder's."""
    tensors: dict[str, Tensor]
    """Tensors by the names of our complete model's state dict, float32, none shares memory."""
    source: Path
    """The folder it was read from."""
    notes: Notes = NOTHING
    """What lies beside."""

    @property
    def heads(self) -> frozenset[str]:
        """The heads that are there: `pooler`, `mlm`, `nsp`, `classifier`, or another of ours."""
        return parts_in(self.tensors) - {"encoder"}
