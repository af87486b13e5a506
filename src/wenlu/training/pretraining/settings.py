"""What a pretraining is told."""

import math
from dataclasses import dataclass, fields
from typing import Literal, get_args, get_origin

from wenlu.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskingSettings:
    """How the masked language model chooses what to mask."""

    mask_rate: float = 0.15
    """Share of words that are chosen to be predicted."""
    mask_unit: Literal["token", "word"] = "token"
    """Whether 80/10/10 is decided for each token of a chosen word or for the word."""
    whole_words: bool = True
    """Choose words, as rjieba finds them; otherwise single tokens."""

    def __post_init__(self) -> None:
        if not 0 < self.mask_rate < 1:
            raise ConfigError(f"mask_rate is a share, in (0, 1); got {self.mask_rate}")
        _check_choices(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class SimilaritySettings:
    """How SimBERT learns from groups of similar sentences."""

    similarity_scale: float = 20.0
    """How sharply differences between cosines count."""
    mask_sources: float = 0.0
    """Share of rows with words masked in the first sentence; RoFormer-Sim takes 0.5."""

    def __post_init__(self) -> None:
        if not 0 < self.similarity_scale < math.inf:
            raise ConfigError(f"similarity_scale must be above 0; got {self.similarity_scale}")
        if not 0 <= self.mask_sources <= 1:
            raise ConfigError(
                f"mask_sources is a share of the rows, in [0, 1]; got {self.mask_sources}"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class PretrainingSettings:
    """How to pretrain; the same fields stand in a run's config.toml and on the command line."""

    steps: int = 10_000
    """Updates of the weights."""
    batch_tokens: int = 8_192
    """Tokens that are worked off at once, padding included."""
    accumulate: int = 1
    """Batches that make an update. With several processes, a multiple of their number, which share
    them; by default one for each."""
    max_length: int = 128
    """Tokens of a row at most, [CLS] and [SEP] included."""
    optimizer: str = "adamw"
    """adamw, adafactor, sgdm, or an accumulating one, which needs no buffer for `accumulate`."""
    beta2: float = 0.98
    """How slowly Adam's mean of squares moves."""
    lr: float = 1e-3
    """Largest learning rate."""
    schedule: Literal["stable", "linear", "cosine", "constant"] = "stable"
    """After warm-up: stay, then fall to zero in the end; or fall all the way."""
    warmup_steps: int = 200
    """Updates in which the learning rate rises."""
    decay: float = 0.25
    """Share of all updates in which it falls to zero, with the schedule "stable"."""
    average: float = 0.0
    """Share of all updates, the last ones, whose weights are averaged into the final ones."""
    weight_decay: float = 0.01
    """Decay of matrices; biases and norms do not decay."""
    clip: float = 1.0
    """Largest gradient norm; 0 for no clipping."""
    dropout: float = 0.0
    """While pretraining: text that is seen once or twice needs none. The shape's own rates are
    saved with the model, for fine-tuning."""
    recompute: int = 0
    """Keep only the input of every n-th block, and work the rest out again; 0 for none."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of matrix products; auto is bfloat16 where the hardware has units for it."""
    evaluate_steps: int = 1_000
    """Updates between two measurements on the held-out text; the end is always measured."""
    checkpoint_minutes: float = 10.0
    """How often to write what --resume goes on from."""
    checkpoint_steps: int = 0
    """The same, counted in updates; 0 for by time only."""
    log_steps: int = 10
    """Updates between two lines of metrics.jsonl."""

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
            raise ConfigError(f"decay is a share of the updates, in (0, 1]; got {self.decay}")
        if not 0 <= self.average <= 1:
            raise ConfigError(f"average is a share of the updates, in [0, 1]; got {self.average}")
        if self.schedule == "stable" and self.average > self.decay:
            raise ConfigError(
                f"the weights of the last {self.average:.0%} of the updates cannot be averaged "
                f"where only the last {self.decay:.0%} can be undone to go on; give an average of "
                "at most that, or another schedule"
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
