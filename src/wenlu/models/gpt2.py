"""GPT-2: a causal language model with norms before each half of a block and one at the end.

Paper: "Language Models are Unsupervised Multitask Learners".
"""

from wenlu.nn import GELUTanh, LayerNorm, PreNorm, TransformerConfig


def gpt2(
    *,
    vocabulary: int = 21_128,
    width: int = 768,
    layers: int = 12,
    heads: int = 12,
    inner_width: int | None = None,
    max_length: int = 1_024,
) -> TransformerConfig:
    """Learned positions, no segments, GELU by tanh, every token sees those before it."""
    return TransformerConfig(
        family="gpt2",
        vocabulary=vocabulary,
        width=width,
        layers=layers,
        heads=heads,
        inner_width=inner_width or 4 * width,
        max_length=max_length,
        segments=0,
        causal=True,
        block=PreNorm(),
        embedding_norm=False,
        final_norm=True,
        norm=LayerNorm(1e-5),
        activation=GELUTanh(),
    )
