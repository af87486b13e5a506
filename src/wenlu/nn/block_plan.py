"""What a block may be made of: the parts of a configuration, ready to be built."""

from dataclasses import dataclass

from wenlu.nn.activations import ActivationPart
from wenlu.nn.attention import Attention
from wenlu.nn.feed_forward import FeedForward
from wenlu.nn.norm import NormPart
from wenlu.nn.parts import AttentionShape
from wenlu.nn.position import PositionPart
from wenlu.nn.scale import ScalePart
from wenlu.nn.scores import ScoresPart


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPlan:
    """The parts of a block. Each call makes a new module."""

    shape: AttentionShape
    """The sizes of the attention, and the model's width."""
    inner_width: int
    """Width inside the feed-forward half."""
    position: PositionPart
    scores: ScoresPart
    scale: ScalePart
    norm: NormPart
    activation: ActivationPart
    dropout: float
    """Dropout on what each half adds."""
    attention_dropout: float
    """Dropout on attention weights."""

    def attention(self) -> Attention:
        """The attention half."""
        return Attention(
            self.shape.width,
            self.shape.heads,
            head_size=self.shape.head_size,
            key_size=self.shape.key_size,
            form=self.scores.build(self.shape),
            position=self.position.build(self.shape),
            scale=self.scale.build(self.shape),
            dropout=self.attention_dropout,
            queries=self.scores.needs_queries,
        )

    def feed_forward(self) -> FeedForward:
        """The feed-forward half."""
        return FeedForward(self.shape.width, self.inner_width, self.activation.build())
