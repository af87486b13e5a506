"""The settings of a pretraining."""

import math
from dataclasses import dataclass
from typing import Literal

from wenlu.errors import ConfigError
from wenlu.training.settings import LoopSettings, Schedule, at_least, check_choices


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
        check_choices(self)


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
class PretrainingSettings(LoopSettings):
    """How to pretrain."""

    steps: int = 10_000
    """Training steps."""
    batch_tokens: int = 8_192
    """Size of a micro-batch in tokens, padding included."""
    gradient_accumulation: int = 1
    """Micro-batches per step. With several processes, a multiple of their number, which share
    them; by default one for each."""
    max_length: int = 128
    """Maximum tokens of a row, [CLS] and [SEP] included."""
    lr: float = 1e-3
    """Peak learning rate."""
    schedule: Schedule = "stable"
    """After warm-up: stay, then fall to zero in the end (stable); fall all the way (linear,
    cosine); or stay (constant)."""
    warmup: float = 200
    """Warm-up: below 1 a share of all steps, otherwise a number of steps."""
    beta2: float = 0.98
    """Adam's decay of the mean of squared gradients."""
    average: float = 0.0
    """Share of all steps, the last ones, whose weights are averaged into the final ones."""
    dropout: float = 0.0
    """Dropout while pretraining: text that is seen once or twice needs none. The shape's own rates
    are saved with the model, for fine-tuning."""
    evaluate_steps: int = 1_000
    """Steps between two evaluations on the held-out text; the end is always evaluated."""
    checkpoint_minutes: float = 10.0
    """Minutes between checkpoints, besides those after each evaluation."""

    def __post_init__(self) -> None:
        LoopSettings.__post_init__(self)
        at_least(self, 1, "steps", "batch_tokens", "evaluate_steps")
        at_least(self, 8, "max_length")
        if not 0 <= self.average <= 1:
            raise ConfigError(f"average is a share of the steps, in [0, 1]; got {self.average}")
        if self.schedule == "stable" and self.average > self.decay:
            raise ConfigError(
                f"the weights of the last {self.average:.0%} of the steps cannot be averaged where "
                f"only the last {self.decay:.0%} can be undone to train on; give an average of at "
                "most that, or another schedule"
            )
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout must be in [0, 1); got {self.dropout}")
