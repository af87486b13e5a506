"""BERT, and RoBERTa as it is published for Chinese (the same graph, trained without NSP).

Paper: "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding".
"""

from wenlu.nn import TransformerConfig


def bert(
    *,
    vocabulary: int = 21_128,
    width: int = 768,
    layers: int = 12,
    heads: int = 12,
    inner_width: int | None = None,
    max_length: int = 512,
) -> TransformerConfig:
    """Learned positions, two segments, norm after each residual; 4·width inside by default."""
    return TransformerConfig(
        family="bert",
        vocabulary=vocabulary,
        width=width,
        layers=layers,
        heads=heads,
        inner_width=inner_width or 4 * width,
        max_length=max_length,
    )
