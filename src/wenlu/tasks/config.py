"""What `wenlu train` is told: all that it takes to repeat a run."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wenlu.errors import ConfigError
from wenlu.training.settings import TrainingSettings
from wenlu.training.toml import flat, from_flat, read_toml, to_toml


@dataclass(frozen=True, kw_only=True, slots=True)
class RunConfig:
    """A run of a task."""

    task: str
    """A name from `wenlu tasks`."""
    data: str
    """Folder with the task's files, or one file; a tenth of it is then held out as dev."""
    model: str
    """A name from `wenlu models`, a folder, or owner/name on the Hugging Face hub."""
    max_length: int = 128
    """Tokens of an input at most, [CLS] and [SEP] included."""
    pooling: str = "first"
    """How the states of all tokens become one vector."""
    segments: bool = True
    """Whether the second text of a pair is marked as segment 1."""
    head: str = ""
    """Which of the task's heads; by default its first."""
    schema: str = ""
    """File with the relations or events to look for; by default the one beside the data."""
    seed: int = 1
    """Seed of initial weights, data order and dropout."""
    limit: int = 0
    """Use only the first N training examples; 0 for all."""
    training: TrainingSettings = field(default_factory=TrainingSettings)

    def __post_init__(self) -> None:
        if self.max_length < 8:
            raise ConfigError(f"max_length must be at least 8; got {self.max_length}")
        for name in ("limit", "seed"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} must not be negative; got {getattr(self, name)}")
        if self.seed >= 2**63:
            raise ConfigError(f"seed must be below 2^63; got {self.seed}")

    def flat(self) -> dict[str, Any]:
        """All fields on one level."""
        return flat(self)

    def toml(self) -> str:
        """The configuration file that `from_toml` reads."""
        return to_toml(self.flat())

    @classmethod
    def from_flat(cls, values: dict[str, Any], source: str) -> "RunConfig":
        """From fields on one level.

        Raises:
            ConfigError: a field is unknown, missing or of the wrong type; names `source`.
        """
        return from_flat(cls, values, source)

    @classmethod
    def from_toml(cls, path: Path) -> "RunConfig":
        """From a configuration file."""
        return cls.from_flat(read_toml(path), str(path))
