"""Sequence to sequence in one stack: the second text is predicted from the first and from itself.

Paper: "Unified Language Model Pre-training for Natural Language Understanding and Generation".
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wenlu.models import Model
from wenlu.training.pretraining.batch import Labels, Rows
from wenlu.training.pretraining.objectives.objective import Scored, score_tokens
from wenlu.training.pretraining.objectives.source_masking import SourceMasking


@dataclass(frozen=True)
class UniLM:
    """A place predicts the next one if that is of segment 1.

    So the first token of the second text is predicted at the [SEP] before it, and the last
    prediction is the final [SEP].

    Args:
        layout: whether the second text follows the first, or is one of the same group.
        source_masking: damages the first text.
    """

    layout: Literal["consecutive", "groups"] = "consecutive"
    source_masking: SourceMasking | None = None

    name = "unilm"
    attention = "unilm"
    heads = ("mlm",)

    def prepare(self, rows: Rows) -> Labels:
        if self.source_masking is not None:
            self.source_masking(rows)
        following = np.zeros_like(rows.text)
        following[:, :-1] = rows.segments[:, 1:] == 1
        places = np.flatnonzero(following)
        return Labels(torch.from_numpy(places), torch.from_numpy(rows.ids.flat[places + 1]))

    def score(self, model: Model, states: Float[Tensor, "b s m"], labels: Labels) -> Scored:
        return score_tokens(model, states, labels)
