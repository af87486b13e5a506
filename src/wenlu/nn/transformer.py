"""One Transformer for every model family.

Axes: b batch, s position, k position that is kept or new, r rows that are wanted, m model width.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from wenlu.errors import ConfigError
from wenlu.nn.activations import activation
from wenlu.nn.attention import Attention, Form, Position, no_position
from wenlu.nn.block import Block, PostNormBlock, PreNormBlock
from wenlu.nn.cache import Cache
from wenlu.nn.dot_product import dot_product
from wenlu.nn.embeddings import Embeddings
from wenlu.nn.feed_forward import FeedForward
from wenlu.nn.masks import Causal, Mask
from wenlu.nn.places import Places
from wenlu.nn.relative import RelativeForm
from wenlu.nn.rotary import Rotary

POSITIONS = ("learned", "rotary", "relative")
NORMS = ("post", "pre")


@dataclass(frozen=True, kw_only=True, slots=True)
class TransformerConfig:
    """The shape of a Transformer; `wenlu.models` has a recipe for each family."""

    family: str = "bert"
    """Which family's layout it is saved in."""
    vocabulary: int
    """Number of tokens."""
    width: int
    """Width m of the states between blocks."""
    layers: int
    """Number of blocks."""
    heads: int
    """Attention heads of a block."""
    inner_width: int
    """Width inside the feed-forward half."""
    head_size: int | None = None
    """Width of a head's values; width/heads by default."""
    key_size: int | None = None
    """Width of a head's queries and keys; as head_size by default."""
    max_length: int = 512
    """Longest sequence; with learned positions also their number."""
    segments: int = 2
    """Number of segments (token types); 0 for none."""
    embedding_width: int | None = None
    """Width of the embeddings where it is not `width` (ALBERT)."""
    share_layers: bool = False
    """All blocks are the same one (ALBERT)."""
    position: Literal["learned", "rotary", "relative"] = "learned"
    """Learned vectors, rotary (RoFormer), or NEZHA's relative sinusoids."""
    rotary_base: float = 10_000.0
    """Base of the rotary frequencies when they are made; afterwards the stored ones count."""
    causal: bool = False
    """A position sees only those before it (language models)."""
    norm: Literal["post", "pre"] = "post"
    """Norm after each residual sum (BERT) or before each half (GPT-2)."""
    embedding_norm: bool = True
    """Norm the embeddings."""
    final_norm: bool = False
    """Norm the last block's output (GPT-2)."""
    norm_epsilon: float = 1e-12
    """Added to the variance in every norm."""
    activation: str = "gelu"
    """Activation of the feed-forward half."""
    dropout: float = 0.1
    """Dropout on embeddings and on what each half of a block adds."""
    attention_dropout: float = 0.1
    """Dropout on attention weights."""
    initial_deviation: float = 0.02
    """Standard deviation of new weights (normal, cut at two of them)."""

    def __post_init__(self) -> None:
        for name in ("vocabulary", "width", "layers", "heads", "inner_width", "max_length"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1; got {getattr(self, name)}")
        if self.head_size is None and self.width % self.heads:
            raise ConfigError(
                f"width {self.width} cannot be shared evenly among {self.heads} heads; "
                "choose another number of heads or give head_size"
            )
        for name in ("head_size", "key_size", "embedding_width"):
            size = getattr(self, name)
            if size is not None and size < 1:
                raise ConfigError(f"{name} must be at least 1, or None; got {size}")
        if self.segments < 0:
            raise ConfigError(f"segments must be at least 0; got {self.segments}")
        for name, known in (("position", POSITIONS), ("norm", NORMS)):
            if getattr(self, name) not in known:
                raise ConfigError(
                    f"no {name} {getattr(self, name)!r}; there are {', '.join(known)}"
                )
        activation(self.activation)  # an error if there is none of that name
        for name in ("dropout", "attention_dropout"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ConfigError(f"{name} must be in [0, 1); got {getattr(self, name)}")
        if self.position == "relative" and self.query_size != self.value_size:
            raise ConfigError(
                "relative positions enter keys and values: key_size must be head_size"
            )

    @property
    def value_size(self) -> int:
        """Width of a head's values."""
        return self.head_size or self.width // self.heads

    @property
    def query_size(self) -> int:
        """Width of a head's queries and keys."""
        return self.key_size or self.value_size


class Transformer(nn.Module):
    """Embeddings and a stack of blocks."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        narrow = config.embedding_width
        self.embeddings = Embeddings(
            config.vocabulary,
            narrow or config.width,
            positions=config.max_length if config.position == "learned" else 0,
            segments=config.segments,
            norm_epsilon=config.norm_epsilon if config.embedding_norm else None,
            dropout=config.dropout,
            output_width=None if narrow is None else config.width,
        )
        own = 1 if config.share_layers else config.layers
        self.blocks = nn.ModuleList(_block(config) for _ in range(own))
        self.final_norm = (
            nn.LayerNorm(config.width, eps=config.norm_epsilon) if config.final_norm else None
        )
        self.apply(self._initialise)

    def forward(
        self,
        ids: Int[Tensor, "b s"],
        segments: Int[Tensor, "b s"] | None = None,
        mask: Mask | None = None,
        *,
        positions: Int[Tensor, "#b k"] | None = None,
        cache: Cache | None = None,
        rows: int | None = None,
    ) -> Float[Tensor, "b r m"]:
        """The states after the last block.

        Args:
            ids: token ids.
            segments: segment of each token; all 0 by default.
            mask: who may look at whom, beside what the model itself forbids (`causal`).
            positions: of all keys, those in `cache` first; 0, 1, 2, ... by default.
            cache: what earlier calls of this decoding kept; is extended.
            rows: work out only the first so many positions in the last block, which is all that a
                classifier on the first token needs; exact, and saves most of that block.
        """
        states = self.states(ids, segments, mask, positions=positions, cache=cache, rows=rows)
        last = next(states)
        for state in states:
            last = state  # and let the one before go
        return last if self.final_norm is None else self.final_norm(last)

    def states(
        self,
        ids: Int[Tensor, "b s"],
        segments: Int[Tensor, "b s"] | None = None,
        mask: Mask | None = None,
        *,
        positions: Int[Tensor, "#b k"] | None = None,
        cache: Cache | None = None,
        rows: int | None = None,
    ) -> Iterator[Float[Tensor, "b ?r m"]]:
        """The embedded input, then the output of each block, before any final norm."""
        new, kept = ids.shape[1], 0 if cache is None else len(cache)
        if positions is None:
            key = torch.arange(kept + new, device=ids.device)[None]
        elif positions.shape[1] == kept + new:
            key = positions
        else:
            raise ConfigError(
                f"{positions.shape[1]} positions for {kept} kept and {new} new tokens; "
                "give one for each of both"
            )
        self._check_positions(kept + new, positions)
        places = Places(query=key[:, kept:], key=key, first=kept, counted=positions is None)
        if self.config.causal:
            mask = Causal() & mask if mask is not None else Causal()
        x = self.embeddings(ids, segments, places.query)
        yield x
        for index in range(self.config.layers):
            block = self.blocks[0 if self.config.share_layers else index]
            last_rows = None
            if rows is not None and index == self.config.layers - 1:
                last_rows = rows
                places = places._replace(query=places.query[:, :rows])
            layer_cache = None if cache is None else cache.layers[index]
            x = block(x, mask, places, layer_cache, last_rows)
            yield x

    def _check_positions(self, count: int, positions: Tensor | None) -> None:
        if self.config.position != "learned":
            return
        if positions is not None:
            if positions.device.type != "cpu":
                return  # looking would stop the device; the embedding itself refuses them there
            count = int(positions.max()) + 1 if positions.numel() else 0
        if count > self.config.max_length:
            raise ConfigError(
                f"{count} positions, but the model has learned {self.config.max_length}; "
                "cut the text or use a model with rotary positions"
            )

    def new_cache(self) -> Cache:
        """An empty cache for one decoding."""
        return Cache(self.config.layers)

    def _initialise(self, module: nn.Module) -> None:
        initialise(module, self.config.initial_deviation)


def initialise(module: nn.Module, deviation: float) -> None:
    """Weights from a normal cut at two standard deviations, biases zero, norms one."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.trunc_normal_(module.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def _block(config: TransformerConfig) -> Block:
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
