"""NEZHA: BERT with fixed sinusoids of the distance, added to keys and values.

Paper: "NEZHA: Neural Contextualized Representation for Chinese Language Understanding".
"""

from dataclasses import replace

from wenlu.models.bert import bert
from wenlu.nn import Relative, TransformerConfig


def nezha(
    *,
    vocabulary: int = 21_128,
    width: int = 768,
    layers: int = 12,
    heads: int = 12,
    inner_width: int | None = None,
    max_length: int = 512,
) -> TransformerConfig:
    """As `bert`, with NEZHA's relative attention and no position embeddings."""
    base = bert(
        vocabulary=vocabulary,
        width=width,
        layers=layers,
        heads=heads,
        inner_width=inner_width,
        max_length=max_length,
    )
    return replace(base, family="nezha", position=Relative())
