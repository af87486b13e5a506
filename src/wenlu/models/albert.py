"""ALBERT: one block used in every layer, and narrow embeddings.

Paper: "ALBERT: A Lite BERT for Self-supervised Learning of Language Representations".
"""

from dataclasses import replace

from wenlu.models.bert import bert
from wenlu.nn import GELUTanh, TransformerConfig


def albert(
    *,
    vocabulary: int = 21_128,
    width: int = 768,
    layers: int = 12,
    heads: int = 12,
    inner_width: int | None = None,
    embedding_width: int = 128,
    max_length: int = 512,
) -> TransformerConfig:
    """As `bert`, with shared blocks, factorised embeddings, GELU by tanh and no dropout."""
    base = bert(
        vocabulary=vocabulary,
        width=width,
        layers=layers,
        heads=heads,
        inner_width=inner_width,
        max_length=max_length,
    )
    return replace(
        base,
        family="albert",
        embedding_width=embedding_width,
        share_layers=True,
        activation=GELUTanh(),
        dropout=0.0,
        attention_dropout=0.0,
    )
