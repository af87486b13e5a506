"""Causal language modelling: predict every token from those before it.

Paper: "Language Models are Unsupervised Multitask Learners" (GPT-2). [CLS] starts a text and [SEP]
ends it.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wenlu.models import Model
from wenlu.training.pretraining.batch import Labels, Rows
from wenlu.training.pretraining.objectives.objective import Scored, score_tokens


class LanguageModel:
    """Each place predicts the next; the last real one predicts nothing."""

    name = "lm"
    layout = "single"
    attention = "causal"
    heads = ("mlm",)

    def prepare(self, rows: Rows) -> Labels:
        width = rows.ids.shape[1]
        places = np.flatnonzero(np.arange(width)[None] < rows.lengths[:, None] - 1)
        return Labels(torch.from_numpy(places), torch.from_numpy(rows.ids.flat[places + 1]))

    def score(self, model: Model, states: Float[Tensor, "b s m"], labels: Labels) -> Scored:
        return score_tokens(model, states, labels)
