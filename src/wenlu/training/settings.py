"""What a training run is told."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from wenlu.errors import ConfigError

Schedule = Literal["linear", "cosine", "constant"]
Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingSettings:
    """How to train; the same fields stand in the configuration file and on the command line."""

    epochs: int | None = None
    """Times the training set is gone through; by default 5, and more where it is small: as many as
    make 1,000 updates, but no more than 20."""
    batch_tokens: int = 4096
    """Tokens of a batch, padding included; short texts make batches of many rows."""
    batch_rows: int = 24
    """Rows of a batch at most."""
    lr: float | None = None
    """Largest learning rate; by default 1e-3 for wenlu-mini, 5e-4 from scratch, otherwise 1e-4 for
    models narrower than 512 and 3e-5 for wider ones."""
    schedule: Schedule = "linear"
    """How the learning rate falls after warm-up."""
    warmup: float = 0.1
    """Share of all updates in which the learning rate rises."""
    weight_decay: float = 0.01
    """AdamW's decay of matrices; biases and norms do not decay."""
    clip: float = 1.0
    """Largest gradient norm; 0 for no clipping."""
    layer_decay: float = 1.0
    """Each layer further from the head learns slower by this factor."""
    freeze: int = 0
    """0: all learns; 1: the embeddings stay as they are; n: they and the lowest n-1 blocks do."""
    recompute: int = 0
    """Keep only the input of every n-th block, and work the rest out again, to save memory; 0 for
    none."""
    pieces: int = 1
    """Parts in which each batch is worked off, to save memory; with several processes, a multiple
    of their number. The result depends on it only through the dropout masks."""
    patience: int = 0
    """Stop after this many epochs without a better score; 0 for never."""
    precision: Precision = "auto"
    """Arithmetic of matrix products; auto is bfloat16 where the hardware has units for it."""
    checkpoint_minutes: float = 5.0
    """How often to write what --resume goes on from, besides after every epoch."""
    checkpoint_steps: int = 0
    """The same, counted in updates; 0 for by time only."""
    log_steps: int = 10
    """Updates between two lines of metrics.jsonl."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_tokens", "batch_rows", "pieces", "log_steps"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1; got {getattr(self, name)}")
        for name in (
            *("weight_decay", "clip", "freeze", "recompute", "patience"),
            *("checkpoint_minutes", "checkpoint_steps"),
        ):
            if not getattr(self, name) >= 0:  # nan is not
                raise ConfigError(f"{name} must not be negative; got {getattr(self, name)}")
        if self.lr is not None and not self.lr > 0:
            raise ConfigError(f"lr must be above 0; got {self.lr}")
        for name in ("lr", "weight_decay", "clip", "checkpoint_minutes"):
            if getattr(self, name) == math.inf:
                raise ConfigError(f"{name} must be finite; got inf")
        if not 0 <= self.warmup <= 1:
            raise ConfigError(f"warmup is a share of the updates, in [0, 1]; got {self.warmup}")
        if not 0 < self.layer_decay <= 1:
            raise ConfigError(f"layer_decay must be in (0, 1]; got {self.layer_decay}")
        for name, kind in (("schedule", Schedule), ("precision", Precision)):
            if getattr(self, name) not in get_args(kind):
                choices = ", ".join(get_args(kind))
                raise ConfigError(f"{name} must be one of {choices}; got {getattr(self, name)!r}")
