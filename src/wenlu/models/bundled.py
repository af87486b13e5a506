"""The models that come with the package."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from wenlu.assets import asset
from wenlu.models.roformer import roformer
from wenlu.nn import PreNorm, TransformerConfig


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
    learning_rate: float = 5e-4
    """That suits fine-tuning."""

    def scores(self) -> dict[str, str]:
        """What was measured of it; nothing for random weights."""
        if not self.trained:
            return {}
        found: dict[str, str] = json.loads(asset("models", self.name, "scores.json").read_bytes())
        return found


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


def _mini(vocabulary: int) -> TransformerConfig:
    shape = roformer(
        vocabulary=vocabulary, width=256, layers=4, heads=4, inner_width=1_024, max_length=512
    )
    return replace(shape, block=PreNorm(), final_norm=True)


def _pretrained(name: str, summary: str) -> Bundled:
    return Bundled(
        name=name,
        summary=summary,
        shape=_mini,
        trained=True,
        learning_rate=1e-3,
        licence="CC BY-NC-SA 4.0",
    )


BUNDLED: dict[str, Bundled] = {
    model.name: model
    for model in (
        _pretrained(
            "wenlu-mini", "RoFormer, 4 layers of 256, pretrained for a few hours on one CPU core"
        ),
        _pretrained("wenlu-gen", "wenlu-mini, pretrained further to continue a text (UniLM)"),
        _scratch(2, 128, 4, 512),
        Bundled(
            name="scratch-mini",
            summary="the shape of wenlu-mini, to train from scratch (random weights)",
            shape=_mini,
            trained=False,
        ),
        _scratch(4, 312, 12, 1200),
        _scratch(6, 384, 12, 1536),
    )
}
