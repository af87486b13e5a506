"""The shape of a Transformer, and the parts that it is made of."""

# ruff: noqa: RUF009 - parts are frozen, so they can be shared as defaults

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wenlu.errors import ConfigError
from wenlu.nn.activations import ACTIVATIONS, GELU, ActivationPart
from wenlu.nn.block import BLOCKS, BlockPart, PostNorm
from wenlu.nn.block_plan import BlockPlan
from wenlu.nn.norm import NORMS, LayerNorm, NormPart
from wenlu.nn.parts import AttentionShape, Table
from wenlu.nn.position import Learned, PositionPart
from wenlu.nn.positions import POSITIONS
from wenlu.nn.scale import SCALES, InverseRoot, ScalePart
from wenlu.nn.scores import SCORES, DotProduct, ScoresPart
from wenlu.nn.settings import from_values, shown, to_values

PARTS: dict[str, Table[Any]] = {
    table.kind: table for table in (POSITIONS, SCORES, SCALES, NORMS, ACTIVATIONS, BLOCKS)
}
"""The table of each field of `TransformerConfig` that holds a part."""

_BOUNDS = {
    "vocabulary": (1, 100_000_000),
    "width": (1, 1_000_000),
    "layers": (1, 10_000),
    "heads": (1, 100_000),
    "inner_width": (1, 10_000_000),
    "max_length": (1, 100_000_000),
    "segments": (0, 100_000),
    "head_size": (1, 1_000_000),
    "key_size": (1, 1_000_000),
    "embedding_width": (1, 1_000_000),
}
"""Least and most of each size, so that a damaged file is an error before memory is asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TransformerConfig:
    """The shape of a Transformer; `wenlu.models` has a recipe for each family.

    A variant is another part: `replace(config, position=Rotary(base=500.0))`. Parts of your own are
    frozen dataclasses that derive from the same base: `PositionPart`, `ScoresPart`, `ScalePart`,
    `NormPart`, `ActivationPart`, `BlockPart`.

    Raises:
        ConfigError: a size is out of bounds, or sizes do not fit together.
    """

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
    position: PositionPart = Learned()
    """How positions enter: learned vectors, rotary (RoFormer), NEZHA's relative sinusoids."""
    scores: ScoresPart = DotProduct()
    """The attention form: how queries, keys and values meet."""
    scale: ScalePart = InverseRoot()
    """What scores are multiplied by."""
    causal: bool = False
    """A position sees only those before it (language models)."""
    block: BlockPart = PostNorm()
    """Norm after each residual sum (BERT), before each half (GPT-2), or a block of your own."""
    norm: NormPart = LayerNorm()
    """Every norm, those of embeddings and heads too."""
    embedding_norm: bool = True
    """Norm the embeddings."""
    final_norm: bool = False
    """Norm the last block's output (GPT-2)."""
    activation: ActivationPart = GELU()
    """Activation of the feed-forward half."""
    dropout: float = 0.1
    """Dropout on embeddings and on what each half of a block adds."""
    attention_dropout: float = 0.1
    """Dropout on attention weights."""
    initial_std: float = 0.02
    """Standard deviation of new weights (normal, cut at two of them)."""

    def __post_init__(self) -> None:
        for name, (least, most) in _BOUNDS.items():
            size = getattr(self, name)
            if size is not None and not least <= size <= most:
                raise ConfigError(f"{name} must be from {least} to {most}; got {shown(size)}")
        if self.head_size is None and self.width % self.heads:
            raise ConfigError(
                f"width {self.width} cannot be shared evenly among {self.heads} heads; "
                "choose another number of heads or give head_size"
            )
        for name, table in PARTS.items():
            table.check(getattr(self, name))
        for name in ("dropout", "attention_dropout"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ConfigError(f"{name} must be in [0, 1); got {getattr(self, name)}")
        if not self.initial_std >= 0.0:
            raise ConfigError(f"initial_std must be at least 0; got {self.initial_std}")

    @classmethod
    def from_dict(
        cls,
        values: Mapping[str, Any],
        parts: Iterable[type] = (),
        *,
        source: str = "the configuration",
    ) -> "TransformerConfig":
        """The configuration that `to_dict` made, or that stands in a file.

        Args:
            values: the fields. Those with a default may be left out. A part is its name
                (`"rotary"`) or its name and settings (`{"name": "rotary", "base": 500.0}`).
            parts: classes of parts that are not in this package and may be used.
            source: where the values come from, for messages.

        Raises:
            ConfigError: a field is unknown, missing or of the wrong type, or a part is not known.
        """
        parts = tuple(parts)
        made = {
            name: PARTS[name].from_value(value, parts) if name in PARTS else value
            for name, value in values.items()
        }
        return from_values(cls, made, source)

    def to_dict(self) -> dict[str, Any]:
        """All fields as what JSON can hold.

        Raises:
            ConfigError: a part of your own is no dataclass, or has settings that JSON cannot hold.
        """
        return {
            name: PARTS[name].to_value(value) if name in PARTS else value
            for name, value in to_values(self).items()
        }

    @property
    def value_size(self) -> int:
        """Width of a head's values."""
        return self.head_size or self.width // self.heads

    @property
    def query_size(self) -> int:
        """Width of a head's queries and keys."""
        return self.key_size or self.value_size

    @property
    def own_blocks(self) -> int:
        """Blocks with weights of their own: one where all layers share theirs."""
        return 1 if self.share_layers else self.layers

    def plan(self) -> BlockPlan:
        """What each block is made of."""
        return BlockPlan(
            shape=AttentionShape(
                width=self.width,
                heads=self.heads,
                key_size=self.query_size,
                head_size=self.value_size,
                max_length=self.max_length,
            ),
            inner_width=self.inner_width,
            position=self.position,
            scores=self.scores,
            scale=self.scale,
            norm=self.norm,
            activation=self.activation,
            dropout=self.dropout,
            attention_dropout=self.attention_dropout,
        )
