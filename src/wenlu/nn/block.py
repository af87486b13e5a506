"""A Transformer block: attention and feed-forward, each with its residual and its norm.

Axes: b batch, s position, r the first positions that are wanted, m model width.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from wenlu.nn.attention import Attention
from wenlu.nn.block_plan import BlockPlan
from wenlu.nn.cache import LayerCache
from wenlu.nn.dropout import Dropout
from wenlu.nn.feed_forward import FeedForward
from wenlu.nn.masks import Mask
from wenlu.nn.norm import NormPart
from wenlu.nn.parts import Table
from wenlu.nn.places import Places


class Block(nn.Module):
    """The parts that both orders of norm and residual share.

    Args:
        attention: the mixing across positions.
        feed_forward: the work at each position.
        width: model width m.
        norm: the kind of both norms.
        dropout: rate for what each half adds.
    """

    def __init__(
        self,
        attention: Attention,
        feed_forward: FeedForward,
        *,
        width: int,
        norm: NormPart,
        dropout: float,
    ) -> None:
        super().__init__()
        self.attention, self.feed_forward = attention, feed_forward
        self.attention_norm = norm.build(width)
        self.feed_forward_norm = norm.build(width)
        self.dropout = Dropout(dropout)

    def forward(
        self,
        x: Float[Tensor, "b s m"],
        mask: Mask | None,
        places: Places,
        cache: LayerCache | None = None,
        rows: int | None = None,
    ) -> Float[Tensor, "b r m"]:
        """The new states, of the first `rows` positions only if that is given."""
        return self.output_norm(self.residual(x, mask, places, cache, rows))

    @property
    def last_norm(self) -> nn.Module | None:
        """The norm of the last residual sum; None if there is none."""
        return None

    def output_norm(self, residual: Float[Tensor, "b r m"]) -> Float[Tensor, "b r m"]:
        """What is made of the last residual sum: its norm, if there is one."""
        return residual if self.last_norm is None else self.last_norm(residual)

    def residual(
        self,
        x: Float[Tensor, "b s m"],
        mask: Mask | None,
        places: Places,
        cache: LayerCache | None = None,
        rows: int | None = None,
    ) -> Float[Tensor, "b r m"]:
        """The last residual sum, before any norm is applied to it."""
        raise NotImplementedError(f"{type(self).__name__} does not say what its last sum is")


class PostNormBlock(Block):
    """x = LN(x + Attn(x)); x = LN(x + FFN(x)), as in BERT."""

    @property
    def last_norm(self) -> nn.Module:
        """The norm behind the second half."""
        return self.feed_forward_norm

    def residual(
        self,
        x: Float[Tensor, "b s m"],
        mask: Mask | None,
        places: Places,
        cache: LayerCache | None = None,
        rows: int | None = None,
    ) -> Float[Tensor, "b r m"]:
        """What `feed_forward_norm` is applied to."""
        wanted = x if rows is None else x[:, :rows]
        mixed = self.attention(wanted, x, mask, places, cache)
        wanted = self.attention_norm(wanted + self.dropout(mixed))
        return wanted + self.dropout(self.feed_forward(wanted))


class PreNormBlock(Block):
    """x = x + Attn(LN x); x = x + FFN(LN x), as in GPT-2."""

    def residual(
        self,
        x: Float[Tensor, "b s m"],
        mask: Mask | None,
        places: Places,
        cache: LayerCache | None = None,
        rows: int | None = None,
    ) -> Float[Tensor, "b r m"]:
        """The same: both norms stand before the halves."""
        normed = self.attention_norm(x)
        wanted, query = (x, normed) if rows is None else (x[:, :rows], normed[:, :rows])
        wanted = wanted + self.dropout(self.attention(query, normed, mask, places, cache))
        return wanted + self.dropout(self.feed_forward(self.feed_forward_norm(wanted)))


class BlockPart(ABC):
    """A block: which halves it has, and where norms and residuals stand."""

    @abstractmethod
    def build(self, plan: BlockPlan) -> Block:
        """One block, from the halves that the plan makes or from modules of its own."""


@dataclass(frozen=True, slots=True)
class PostNorm(BlockPart):
    """Norm after each residual sum (BERT)."""

    def build(self, plan: BlockPlan) -> Block:
        return _build(PostNormBlock, plan)


@dataclass(frozen=True, slots=True)
class PreNorm(BlockPart):
    """Norm before each half (GPT-2)."""

    def build(self, plan: BlockPlan) -> Block:
        return _build(PreNormBlock, plan)


def _build(kind: type[Block], plan: BlockPlan) -> Block:
    return kind(
        plan.attention(),
        plan.feed_forward(),
        width=plan.shape.width,
        norm=plan.norm,
        dropout=plan.dropout,
    )


BLOCKS: Table[BlockPart] = Table(
    "block",
    BlockPart,
    {
        "post_norm": (PostNorm, "norm after each residual sum, as in BERT"),
        "pre_norm": (PreNorm, "norm before each half, as in GPT-2"),
    },
)
