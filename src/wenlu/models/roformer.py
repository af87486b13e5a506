"""RoFormer: BERT with rotary positions instead of learned ones.

Paper: "RoFormer: Enhanced Transformer with Rotary Position Embedding".
"""

from dataclasses import replace

from wenlu.models.bert import bert
from wenlu.nn import Rotary, TransformerConfig


def roformer(
    *,
    vocabulary: int = 50_000,
    width: int = 768,
    layers: int = 12,
    heads: int = 12,
    inner_width: int | None = None,
    max_length: int = 1_536,
) -> TransformerConfig:
    """As `bert`, with queries and keys turned by their position in every layer."""
    base = bert(
        vocabulary=vocabulary,
        width=width,
        layers=layers,
        heads=heads,
        inner_width=inner_width,
        max_length=max_length,
    )
    return replace(base, family="roformer", position=Rotary())
