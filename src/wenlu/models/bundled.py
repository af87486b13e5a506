"""The models that come with the package."""

from collections.abc import Callable
from dataclasses import dataclass

from wenlu.models.roformer import roformer
from wenlu.nn import TransformerConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundled:
    """A model that is there without any download."""

    name: str
    summary: str
    shape: Callable[[int], TransformerConfig]
    """Vocabulary size -> configuration."""
    trained: bool
    """False: a shape to train from scratch; its weights are random, drawn by the run's seed."""
    licence: str = "Apache-2.0"


def _scratch(layers: int, width: int, heads: int, inner_width: int) -> Bundled:
    def shape(vocabulary: int) -> TransformerConfig:
        return roformer(
            vocabulary=vocabulary,
            width=width,
            layers=layers,
            heads=heads,
            inner_width=inner_width,
            max_length=512,
        )

    return Bundled(
        name=f"scratch-{layers}x{width}",
        summary=f"RoFormer, {layers} layers of {width}, to train from scratch (random weights)",
        shape=shape,
        trained=False,
    )


BUNDLED: dict[str, Bundled] = {
    model.name: model
    for model in (
        _scratch(2, 128, 4, 512),
        _scratch(4, 312, 12, 1200),
        _scratch(6, 384, 12, 1536),
    )
}
