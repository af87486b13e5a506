"""Which parts a configuration means: the one place where its words choose among parts."""

from wenlu.nn.activations import activation
from wenlu.nn.attention import Attention, Form, Position, no_position
from wenlu.nn.block import Block, PostNormBlock, PreNormBlock
from wenlu.nn.config import TransformerConfig
from wenlu.nn.dot_product import dot_product
from wenlu.nn.feed_forward import FeedForward
from wenlu.nn.relative import RelativeForm
from wenlu.nn.rotary import Rotary


def block_of(config: TransformerConfig) -> Block:
    """A block with the parts that the configuration names."""
    position: Position = no_position
    form: Form = dot_product
    if config.position == "rotary":
        position = Rotary(config.query_size, config.rotary_base)
    elif config.position == "relative":
        form = RelativeForm(config.query_size)
    attention = Attention(
        config.width,
        config.heads,
        head_size=config.head_size,
        key_size=config.key_size,
        form=form,
        position=position,
        dropout=config.attention_dropout,
    )
    feed_forward = FeedForward(config.width, config.inner_width, activation(config.activation))
    kind = PostNormBlock if config.norm == "post" else PreNormBlock
    return kind(
        attention,
        feed_forward,
        width=config.width,
        norm_epsilon=config.norm_epsilon,
        dropout=config.dropout,
    )
