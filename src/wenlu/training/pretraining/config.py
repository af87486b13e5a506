"""What `wenlu pretrain` is told: all that it takes to repeat a run."""

from dataclasses import dataclass, field
from pathlib import Path

from wenlu.errors import ConfigError
from wenlu.training.pretraining.settings import (
    MaskingSettings,
    PretrainingSettings,
    SimilaritySettings,
)
from wenlu.training.toml import flat, from_flat, read_toml, to_toml


@dataclass(frozen=True, kw_only=True, slots=True)
class PretrainingConfig:
    """A pretraining."""

    objective: tuple[str, ...]
    """What is trained, together: mlm, nsp, sop, lm, unilm; or simbert."""
    corpus: tuple[str, ...]
    """Text files (for simbert, files of groups), or one folder of tokens made of them."""
    heldout: tuple[str, ...] = ()
    """Text files to measure on, or one folder of tokens; none to measure nothing."""
    config: str = "scratch-4x312"
    """Shape: a name from `wenlu models`, or a TOML file with the fields of TransformerConfig."""
    vocab: str | None = None
    """vocab.txt, or a folder with a tokenizer; by default the bundled vocabulary."""
    model: str | None = None
    """A model whose weights to begin with, instead of random ones of the shape `config`."""
    seed: int = 1
    """Decides initial weights, data order, masks and dropout."""
    masking: MaskingSettings = field(default_factory=MaskingSettings)
    similarity: SimilaritySettings = field(default_factory=SimilaritySettings)
    training: PretrainingSettings = field(default_factory=PretrainingSettings)

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**64:
            raise ConfigError(f"seed must be in [0, 2**64); got {self.seed}")
        for name in ("objective", "corpus"):
            if not getattr(self, name):
                raise ConfigError(f"give at least one {name}")

    def toml(self) -> str:
        """The configuration file that `from_toml` reads."""
        return to_toml(flat(self))

    @classmethod
    def from_toml(cls, path: Path) -> "PretrainingConfig":
        """From a configuration file; ConfigError names what is wrong with it."""
        return from_flat(cls, read_toml(path), str(path))
