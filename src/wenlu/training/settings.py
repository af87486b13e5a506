"""The settings of a training run."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from wenlu.errors import ConfigError

Schedule = Literal["linear", "cosine", "constant"]
Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingSettings:
    """How to train: the fields of the configuration file and of the command line."""

    epochs: int | None = None
    """Passes over the training set. Default: 5, and more for small training sets: enough for 1,000
    steps, at most 20."""
    batch_tokens: int = 4096
    """Batch size in tokens, padding included. Short texts give batches of many rows."""
    batch_rows: int = 24
    """Maximum rows of a batch."""
    lr: float | None = None
    """Peak learning rate. Default: 1e-3 for wenlu-mini, 5e-4 from scratch, otherwise 1e-4 for
    models narrower than 512 and 3e-5 for wider ones."""
    schedule: Schedule = "linear"
    """Learning rate schedule after warm-up."""
    warmup: float = 0.1
    """Share of all steps in which the learning rate rises."""
    weight_decay: float = 0.01
    """Weight decay of matrices; biases and norms have none."""
    clip: float = 1.0
    """Maximum gradient norm; 0 for no clipping."""
    layer_decay: float = 1.0
    """Factor of the learning rate from each layer to the layer below it."""
    freeze: int = 0
    """0: train everything; 1: freeze the embeddings; n: also freeze the lowest n-1 blocks."""
    recompute: int = 0
    """Gradient checkpointing: keep the input of every n-th block and compute the rest again, to
    save memory; 0 for none."""
    pieces: int = 1
    """Micro-batches per batch (gradient accumulation), to save memory; with several processes, a
    multiple of their number. Only the dropout masks depend on it."""
    patience: int = 0
    """Stop after this many epochs without a better score; 0 for never."""
    precision: Precision = "auto"
    """Precision of matrix products; auto is bfloat16 if the hardware has units for it."""
    checkpoint_minutes: float = 5.0
    """Minutes between checkpoints, besides those after each epoch."""
    checkpoint_steps: int = 0
    """Steps between checkpoints; 0 for none by steps."""
    log_steps: int = 10
    """Steps between two lines of metrics.jsonl."""

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
            raise ConfigError(f"warmup is a share of the steps, in [0, 1]; got {self.warmup}")
        if not 0 < self.layer_decay <= 1:
            raise ConfigError(f"layer_decay must be in (0, 1]; got {self.layer_decay}")
        for name, kind in (("schedule", Schedule), ("precision", Precision)):
            if getattr(self, name) not in get_args(kind):
                choices = ", ".join(get_args(kind))
                raise ConfigError(f"{name} must be one of {choices}; got {getattr(self, name)!r}")
