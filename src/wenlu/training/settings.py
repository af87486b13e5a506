"""How to train: what every training is told, and what fine-tuning adds."""

import math
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_origin

from wenlu.errors import ConfigError

Schedule = Literal["linear", "cosine", "constant", "stable"]
Precision = Literal["auto", "float32", "bfloat16"]
Optimizer = Literal[
    "adamw",
    "sgdm",
    "adafactor",
    "accumulating-adam",
    "accumulating-adam-beta",
    "accumulating-sgdm",
]
"""The names in `wenlu.optim.OPTIMIZERS`, without waiting for torch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopSettings:
    """What the loop is told; the same fields stand in config.toml and on the command line."""

    optimizer: Optimizer = "adamw"
    """What moves the weights; the accumulating ones take micro-batches up in their momentum."""
    lr: float | None = None
    """Peak learning rate."""
    schedule: Schedule = "linear"
    """Learning rate after warm-up: fall to zero (linear, cosine), stay (constant), or stay and fall
    at the end (stable)."""
    warmup: float = 0.1
    """Warm-up: below 1 a share of all steps, otherwise a number of steps."""
    decay: float = 0.25
    """Share of all steps, the last ones, in which the schedule "stable" falls to zero."""
    beta2: float = 0.999
    """Adam's decay of the mean of squared gradients."""
    weight_decay: float = 0.01
    """Weight decay of matrices; biases and norms have none."""
    clip: float = 1.0
    """Maximum gradient norm; 0 for no clipping."""
    gradient_accumulation: int = 1
    """Micro-batches per batch, to save memory. With several processes, a multiple of their
    number."""
    cached_gradients: bool = False
    """Let a loss that compares a whole batch see all micro-batches; each runs forward twice."""
    gradient_checkpointing: int = 0
    """Keep only the input of every n-th block and compute the rest again, to save memory; 0 for
    none."""
    precision: Precision = "auto"
    """Precision of matrix products; auto is bfloat16 if the hardware has units for it."""
    checkpoint_minutes: float = 5.0
    """Minutes between checkpoints, besides those after each evaluation."""
    checkpoint_steps: int = 0
    """Steps between checkpoints; 0 for none by steps."""
    log_steps: int = 10
    """Steps between two lines of metrics.jsonl."""

    def __post_init__(self) -> None:
        at_least(self, 1, "gradient_accumulation", "log_steps")
        at_least(self, 0, "gradient_checkpointing", "checkpoint_steps")
        at_least(self, 0, "weight_decay", "clip", "warmup", "checkpoint_minutes")
        if self.lr is not None and not 0 < self.lr < math.inf:
            raise ConfigError(f"lr must be a finite number above 0; got {self.lr}")
        if not 0 < self.decay <= 1:
            raise ConfigError(f"decay is a share of the steps, in (0, 1]; got {self.decay}")
        if not 0 < self.beta2 < 1:
            raise ConfigError(f"beta2 must be in (0, 1); got {self.beta2}")
        if self.warmup >= 1 and self.warmup != int(self.warmup):
            raise ConfigError(
                f"warmup is a share of the steps, below 1, or a whole number of steps; "
                f"got {self.warmup}"
            )
        check_choices(self)

    def warmup_steps(self, steps: int) -> int:
        """Steps of warm-up in a training of so many steps."""
        return round(self.warmup * steps) if self.warmup < 1 else min(int(self.warmup), steps)

    def decay_start(self, steps: int) -> int:
        """The number of steps after which the schedule "stable" begins to fall."""
        return int(steps - self.decay * steps)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingSettings(LoopSettings):
    """How to fine-tune."""

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
    layer_decay: float = 1.0
    """Factor of the learning rate from each layer to the layer below it."""
    freeze: int = 0
    """0: train everything; 1: freeze the embeddings; n: also freeze the lowest n-1 blocks."""
    patience: int = 0
    """Stop after this many epochs without a better score; 0 for never."""

    def __post_init__(self) -> None:
        LoopSettings.__post_init__(self)
        at_least(self, 1, "epochs", "batch_tokens", "batch_rows")
        at_least(self, 0, "freeze", "patience")
        if not 0 < self.layer_decay <= 1:
            raise ConfigError(f"layer_decay must be in (0, 1]; got {self.layer_decay}")


def at_least(settings: Any, least: int, *names: str) -> None:  # noqa: ANN401
    """Raise ConfigError unless those fields are finite numbers of at least that, or None."""
    for name in names:
        value = getattr(settings, name)
        if value is not None and not least <= value < math.inf:  # nan is not, either
            what = f"at least {least}" if least else "a finite number, not negative"
            raise ConfigError(f"{name} must be {what}; got {value}")


def check_choices(settings: Any) -> None:  # noqa: ANN401
    """Raise ConfigError unless fields with a few possible values have one of them."""
    for field in fields(settings):
        value = getattr(settings, field.name)
        if get_origin(field.type) is Literal and value not in get_args(field.type):
            choices = ", ".join(get_args(field.type))
            raise ConfigError(f"{field.name} must be one of {choices}; got {value!r}")
