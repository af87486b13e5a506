"""Building blocks of Transformers: masks, positions, attention forms, blocks, the Transformer."""

from wenlu.nn.assembly import block_of
from wenlu.nn.attention import Attention, Form, Position, no_position
from wenlu.nn.block import Block, PostNormBlock, PreNormBlock
from wenlu.nn.cache import Cache, LayerCache
from wenlu.nn.conditional_norm import ConditionalLayerNorm
from wenlu.nn.config import TransformerConfig
from wenlu.nn.crf import LinearChainCRF
from wenlu.nn.dot_product import dot_product, dot_product_with_lse, merge
from wenlu.nn.dropout import Dropout, dropout
from wenlu.nn.embeddings import Embeddings
from wenlu.nn.feed_forward import FeedForward
from wenlu.nn.global_pointer import EfficientGlobalPointer, GlobalPointer, WithPrior
from wenlu.nn.gradient_checkpointing import (
    disable_gradient_checkpointing,
    enable_gradient_checkpointing,
)
from wenlu.nn.initialisation import initialise, initialise_by_inputs
from wenlu.nn.masks import Causal, Mask, Padding, Prefix, Window, real_tokens
from wenlu.nn.places import Places
from wenlu.nn.relative import RelativeForm
from wenlu.nn.rotary import Rotary, rotate
from wenlu.nn.transformer import Transformer

__all__ = [
    "Attention",
    "Block",
    "Cache",
    "Causal",
    "ConditionalLayerNorm",
    "Dropout",
    "EfficientGlobalPointer",
    "Embeddings",
    "FeedForward",
    "Form",
    "GlobalPointer",
    "LayerCache",
    "LinearChainCRF",
    "Mask",
    "Padding",
    "Places",
    "Position",
    "PostNormBlock",
    "PreNormBlock",
    "Prefix",
    "RelativeForm",
    "Rotary",
    "Transformer",
    "TransformerConfig",
    "Window",
    "WithPrior",
    "block_of",
    "disable_gradient_checkpointing",
    "dot_product",
    "dot_product_with_lse",
    "dropout",
    "enable_gradient_checkpointing",
    "initialise",
    "initialise_by_inputs",
    "merge",
    "no_position",
    "real_tokens",
    "rotate",
]
