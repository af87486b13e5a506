"""The shape of a Transformer."""

from dataclasses import dataclass
from typing import Literal

from wenlu.errors import ConfigError
from wenlu.nn.activations import activation

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
