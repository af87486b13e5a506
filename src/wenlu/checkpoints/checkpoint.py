"""What is read from a folder: plain values, by our names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A model as it was read: a configuration and tensors by our names, not yet a model."""

    family: str
    """`bert`, `roformer`, `nezha`, `albert` or `gpt2`."""
    config: dict[str, Any]
    """The fields of `TransformerConfig`."""
    tensors: dict[str, Tensor]
    """Tensors by the names of our complete model's state dict, float32."""
    heads: frozenset[str]
    """The heads that are there: `pooler`, `mlm`, `nsp`, `classifier`, or another of ours."""
    source: Path
    """The folder it was read from."""
    labels: list[str] | None = None
    """The classifier's labels, if they were stored."""
    pooling: str | None = None
    """What the classifier stands on, if it is known: `first`, `pooler`, `mean` or `max`."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What the writer kept beside the model (`wenlu.json`)."""
