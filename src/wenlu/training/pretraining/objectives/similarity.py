"""Which row of the batch is about a similar sentence?

Source: "SimBERT". Beside UniLM on pairs that stand both ways round, it is SimBERT's joint loss.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wenlu.losses import similarities
from wenlu.models import Model
from wenlu.training.pretraining.batch import Labels, Rows
from wenlu.training.pretraining.objectives.objective import Scored, at, score_classes


@dataclass(frozen=True)
class Similarity:
    """Each row's partner, the row beside it, among all other rows of the batch.

    A row's vector is the pooler's, without tanh, of [CLS], which under UniLM's mask has seen the
    first sentence only. All rows of a step are compared, those of other processes too.

    Args:
        scale: of the cosines; see `wenlu.losses.in_batch_loss`.
    """

    scale: float = 20.0

    name = "similarity"
    layout = "groups"
    attention = "unilm"
    heads = ("pooler",)

    def prepare(self, rows: Rows) -> Labels:
        count, width = rows.ids.shape
        row = np.arange(count)
        return Labels(torch.from_numpy(row * width), torch.from_numpy(row ^ 1))

    def vectors(
        self, model: Model, states: Float[Tensor, "b s m"], labels: Labels
    ) -> Float[Tensor, "n d"]:
        return model.pooled(at(states, labels.places)[:, None], linear=True)

    def compare(self, vectors: Float[Tensor, "n d"]) -> Scored:
        partners = torch.arange(len(vectors), device=vectors.device) ^ 1
        return score_classes(similarities(vectors, self.scale), partners)
