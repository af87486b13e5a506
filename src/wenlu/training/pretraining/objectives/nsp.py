"""Next-sentence prediction: does the second text follow the first, or is it from elsewhere?

Paper: "BERT". Class 0 is "follows" and class 1 "random", as published checkpoints have it.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wenlu.models import Model
from wenlu.training.pretraining.batch import Labels, Rows
from wenlu.training.pretraining.objectives.objective import Scored, at, score_classes
from wenlu.training.pretraining.rows import NOT_A_PAIR


@dataclass(frozen=True)
class NextSentence:
    """Two classes on the pooled first token; rows of a single text have nothing to predict."""

    name: str = "nsp"
    layout: Literal["next", "swap"] = "next"
    attention = "full"
    heads = ("pooler", "nsp")

    def prepare(self, rows: Rows) -> Labels:
        pairs = np.flatnonzero(rows.relation != NOT_A_PAIR)
        return Labels(
            torch.from_numpy(pairs * rows.ids.shape[1]), torch.from_numpy(rows.relation[pairs])
        )

    def score(self, model: Model, states: Float[Tensor, "b s m"], labels: Labels) -> Scored:
        logits = model.next_sentence_logits(at(states, labels.places)[:, None])
        return score_classes(logits, labels.targets)
