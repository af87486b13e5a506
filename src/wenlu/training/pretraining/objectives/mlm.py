"""Masked language modelling with whole-word masking that knows Chinese words.

Papers: "BERT", "Pre-Training with Whole Word Masking for Chinese BERT".
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wenlu.errors import ConfigError
from wenlu.models import Model
from wenlu.randomness import subkeys, uniform
from wenlu.training.pretraining.batch import Labels, Rows
from wenlu.training.pretraining.objectives.objective import Scored, score_tokens

_CHOICE, _ACTION, _TOKEN = 1, 2, 3


@dataclass(frozen=True)
class MaskedLanguageModel:
    """Predict the words that were masked.

    Every word is chosen with probability `rate`. Of what is chosen, 80 % is replaced by [MASK],
    10 % by random tokens and 10 % stays as it is; all of it is predicted.

    Args:
        mask_id: id of [MASK].
        vocabulary: number of tokens, of which random ones are drawn.
        rate: share of words.
        unit: what the 80/10/10 is decided for: each "token" of a chosen word by itself, or the
            "word" at once.
        whole_words: False chooses single tokens instead of words.
        source_only: choose words of the first text only, for use beside UniLM.
    """

    mask_id: int
    vocabulary: int
    rate: float = 0.15
    unit: Literal["token", "word"] = "token"
    whole_words: bool = True
    source_only: bool = False

    name = "mlm"
    layout = None
    attention = None
    heads = ("mlm",)

    def __post_init__(self) -> None:
        if not 0 < self.rate < 1:
            raise ConfigError(f"the share of masked words must be in (0, 1); got {self.rate}")

    def prepare(self, rows: Rows) -> Labels:
        column = np.arange(rows.ids.shape[1])[None]
        word = column
        if self.whole_words:  # the place where each token's word starts
            word = np.maximum.accumulate(np.where(rows.word_starts, column, 0), axis=1)
        keys = rows.keys[:, None]
        candidates = rows.text & (rows.segments == 0) if self.source_only else rows.text
        chosen = candidates & (uniform(subkeys(subkeys(keys, word), _stream(_CHOICE))) < self.rate)
        places = np.flatnonzero(chosen)
        targets = rows.ids.flat[places]
        own = subkeys(keys, column)
        action = uniform(
            subkeys(own if self.unit == "token" else subkeys(keys, word), _stream(_ACTION))
        )
        drawn = uniform(subkeys(own, _stream(_TOKEN))) * self.vocabulary
        masked, random = chosen & (action < 0.8), chosen & (action >= 0.9)
        rows.ids[masked] = self.mask_id
        rows.ids[random] = drawn.astype(np.int64)[random]
        return Labels(torch.from_numpy(places), torch.from_numpy(targets))

    def score(self, model: Model, states: Float[Tensor, "b s m"], labels: Labels) -> Scored:
        return score_tokens(model, states, labels)


def _stream(number: int) -> np.ndarray:
    return np.asarray([number], np.uint64)
