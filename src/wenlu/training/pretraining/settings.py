"""The settings of a pretraining."""

import math
from dataclasses import dataclass, fields
from typing import Literal, get_args, get_origin

from wenlu.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskingSettings:
    """How the masked language model chooses what to mask."""

    mask_rate: float = 0.15
    """Share of words to predict."""
    mask_unit: Literal["token", "word"] = "token"
    """Decide [MASK], random token or unchanged (80/10/10) per token or per word."""
    whole_words: bool = True
    """Mask whole words, segmented by rjieba; otherwise single tokens."""

    def __post_init__(self) -> None:
        if not 0 < self.mask_rate < 1:
            raise ConfigError(f"mask_rate is a share, in (0, 1); got {self.mask_rate}")
        _check_choices(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class SimilaritySettings:
    """How SimBERT learns from groups of similar sentences."""

    similarity_scale: float = 20.0
    """Factor of cosines before the softmax."""
    mask_sources: float = 0.0
    """Share of rows with masked words in the first sentence; RoFormer-Sim uses 0.5."""

    def __post_init__(self) -> None:
        if not 0 < self.similarity_scale < math.inf:
            raise ConfigError(f"similarity_scale must be above 0; got {self.similarity_scale}")
        if not 0 <= self.mask_sources <= 1:
            raise ConfigError(
                f"mask_sources is a share of the rows, in [0, 1]; got {self.mask_sources}"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class PretrainingSettings:
    """How to pretrain: the fields of a run's config.toml and of the command line."""

    steps: int = 10_000
    """Number of steps."""
    batch_tokens: int = 8_192
    """Size of a micro-batch in tokens, padding included."""
    accumulate: int = 1
    """Micro-batches per step (gradient accumulation). With several processes, which share them, a
    multiple of their number; by default one for each."""
    max_length: int = 128
    """Maximum tokens of a row, [CLS] and [SEP] included."""
    optimizer: str = "adamw"
    """adamw, adafactor, sgdm, or an accumulating one, which needs no buffer for gradients."""
    beta2: float = 0.98
    """Adam's decay rate for the mean of squares."""
    lr: float = 1e-3
    """Peak learning rate."""
    schedule: Literal["stable", "linear", "cosine", "constant"] = "stable"
    """After warm-up: stable is constant, with a decay to zero at the end."""
    warmup_steps: int = 200
    """Steps in which the learning rate rises."""
    decay: float = 0.25
    """Share of all steps in which it decays to zero, with the schedule "stable"."""
    average: float = 0.0
    """Share of steps at the end whose weights are averaged into the final weights."""
    weight_decay: float = 0.01
    """Weight decay of matrices; biases and norms have none."""
    clip: float = 1.0
    """Maximum gradient norm; 0 for no clipping."""
    dropout: float = 0.0
    """Dropout in pretraining; text that is seen once or twice needs none. The rates of the shape
    are saved with the model, for fine-tuning."""
    recompute: int = 0
    """Gradient checkpointing: keep the input of every n-th block and compute the rest again;
    0 for none."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision of matrix products; auto is bfloat16 if the hardware has units for it."""
    evaluate_steps: int = 1_000
    """Steps between evaluations on the held-out text; the end is always evaluated."""
    checkpoint_minutes: float = 10.0
    """Minutes between checkpoints."""
    checkpoint_steps: int = 0
    """Steps between checkpoints; 0 for none by steps."""
    log_steps: int = 10
    """Steps between two lines of metrics.jsonl."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch_tokens", "accumulate", "evaluate_steps", "log_steps"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1; got {getattr(self, name)}")
        if self.max_length < 8:
            raise ConfigError(f"max_length must be at least 8; got {self.max_length}")
        for name in (
            *("weight_decay", "clip", "recompute", "warmup_steps"),
            *("checkpoint_minutes", "checkpoint_steps"),
        ):
            if not getattr(self, name) >= 0:  # nan is not
                raise ConfigError(f"{name} must not be negative; got {getattr(self, name)}")
        if not 0 < self.lr < math.inf:
            raise ConfigError(f"lr must be above 0; got {self.lr}")
        if not 0 < self.decay <= 1:
            raise ConfigError(f"decay is a share of the steps, in (0, 1]; got {self.decay}")
        if not 0 <= self.average <= 1:
            raise ConfigError(f"average is a share of the steps, in [0, 1]; got {self.average}")
        if self.schedule == "stable" and self.average > self.decay:
            raise ConfigError(
                f"the weights of the last {self.average:.0%} of the steps cannot be averaged "
                f"because only the last {self.decay:.0%} can be undone to resume; give an average "
                "of at most that, or another schedule"
            )
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout must be in [0, 1); got {self.dropout}")
        if not 0 < self.beta2 < 1:
            raise ConfigError(f"beta2 must be in (0, 1); got {self.beta2}")
        _check_choices(self)


def _check_choices(settings: MaskingSettings | PretrainingSettings) -> None:
    for field in fields(settings):
        value = getattr(settings, field.name)
        if get_origin(field.type) is Literal and value not in get_args(field.type):
            choices = ", ".join(get_args(field.type))
            raise ConfigError(f"{field.name} must be one of {choices}; got {value!r}")
