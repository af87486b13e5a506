"""Building blocks of Transformers: masks, positions, attention forms, blocks, the Transformer."""

from wenlu.nn.activations import (
    GELU,
    ActivationPart,
    GELUTanh,
    ReLU,
    SiLU,
    SquaredReLU,
    Tanh,
)
from wenlu.nn.attention import Attention
from wenlu.nn.block import (
    Block,
    BlockPart,
    PostNorm,
    PostNormBlock,
    PreNorm,
    PreNormBlock,
)
from wenlu.nn.block_plan import BlockPlan
from wenlu.nn.cache import Cache, LayerCache
from wenlu.nn.conditional_norm import ConditionalLayerNorm
from wenlu.nn.config import PARTS, TransformerConfig
from wenlu.nn.crf import LinearChainCRF
from wenlu.nn.dot_product import dot_product, dot_product_form, dot_product_with_lse
from wenlu.nn.dropout import Dropout, dropout
from wenlu.nn.embeddings import Embeddings
from wenlu.nn.encoder import Encoder
from wenlu.nn.explicit import mix, pass_scores
from wenlu.nn.feed_forward import FeedForward
from wenlu.nn.global_pointer import EfficientGlobalPointer, GlobalPointer, WithPrior
from wenlu.nn.gradient_checkpointing import (
    disable_gradient_checkpointing,
    enable_gradient_checkpointing,
)
from wenlu.nn.initialisation import initialise, initialise_by_inputs
from wenlu.nn.masks import Causal, Mask, Padding, Prefix, Window, real_tokens
from wenlu.nn.norm import LayerNorm, NormPart
from wenlu.nn.parts import AttentionShape, Table
from wenlu.nn.passes import Distances, Pass, merge
from wenlu.nn.places import Places
from wenlu.nn.position import Learned, NoPosition, Position, PositionPart, Unplaced
from wenlu.nn.relative import Relative, RelativePosition
from wenlu.nn.rotary import Rotary, RotaryPosition, rotate
from wenlu.nn.scale import EntropyInvariant, InverseRoot, Scale, ScalePart
from wenlu.nn.scores import DotProduct, Form, ScoresPart
from wenlu.nn.transformer import Transformer

__all__ = [
    "GELU",
    "PARTS",
    "ActivationPart",
    "Attention",
    "AttentionShape",
    "Block",
    "BlockPart",
    "BlockPlan",
    "Cache",
    "Causal",
    "ConditionalLayerNorm",
    "Distances",
    "DotProduct",
    "Dropout",
    "EfficientGlobalPointer",
    "Embeddings",
    "Encoder",
    "EntropyInvariant",
    "FeedForward",
    "Form",
    "GELUTanh",
    "GlobalPointer",
    "InverseRoot",
    "LayerCache",
    "LayerNorm",
    "Learned",
    "LinearChainCRF",
    "Mask",
    "NoPosition",
    "NormPart",
    "Padding",
    "Pass",
    "Places",
    "Position",
    "PositionPart",
    "PostNorm",
    "PostNormBlock",
    "PreNorm",
    "PreNormBlock",
    "Prefix",
    "ReLU",
    "Relative",
    "RelativePosition",
    "Rotary",
    "RotaryPosition",
    "Scale",
    "ScalePart",
    "ScoresPart",
    "SiLU",
    "SquaredReLU",
    "Table",
    "Tanh",
    "Transformer",
    "TransformerConfig",
    "Unplaced",
    "Window",
    "WithPrior",
    "disable_gradient_checkpointing",
    "dot_product",
    "dot_product_form",
    "dot_product_with_lse",
    "dropout",
    "enable_gradient_checkpointing",
    "initialise",
    "initialise_by_inputs",
    "merge",
    "mix",
    "pass_scores",
    "real_tokens",
    "rotate",
]
