"""A model with what it is pretrained to do."""

from collections.abc import Sequence
from functools import partial
from operator import itemgetter

from torch import Tensor, nn

from wenlu.models import Model
from wenlu.training.pretraining.batch import PretrainingBatch
from wenlu.training.pretraining.objectives import (
    Comparing,
    Objective,
    Scored,
    attention_mask,
    attention_of,
)
from wenlu.training.training import BatchTerm


class Pretraining(nn.Module):
    """Runs the encoder once and every objective on its states.

    Args:
        model: with the heads that the objectives need.
        objectives: to be trained together.
    """

    def __init__(self, model: Model, objectives: Sequence[Objective]) -> None:
        super().__init__()
        self.model, self.objectives = model, list(objectives)
        self.attention = attention_of(objectives)
        for head in model.heads - {head for one in objectives for head in one.heads}:
            getattr(model, head).requires_grad_(False)  # nothing that processes would wait for

    @property
    def batch_terms(self) -> dict[str, BatchTerm]:
        """The objectives that compare all rows of a batch."""
        return {
            one.name: BatchTerm(itemgetter(one.name), partial(_compared, one))
            for one in self.objectives
            if isinstance(one, Comparing)
        }

    def forward(self, batch: PretrainingBatch) -> dict[str, Scored | Tensor]:
        """For each objective its losses; of one that compares rows, what it compares."""
        mask = attention_mask(self.attention, batch)
        segments = batch.segments if self.model.config.segments else None
        states = self.model.encoder(batch.ids, segments, mask)
        return {
            one.name: one.vectors(self.model, states, batch.labels[one.name])
            if isinstance(one, Comparing)
            else one.score(self.model, states, batch.labels[one.name])
            for one in self.objectives
        }

    def scored(self, batch: PretrainingBatch) -> dict[str, Scored]:
        """The losses of all objectives on one batch."""
        found = self(batch)
        return {
            one.name: one.compare(found[one.name])
            if isinstance(one, Comparing)
            else found[one.name]
            for one in self.objectives
        }


def _compared(objective: Comparing, vectors: Tensor) -> tuple[Tensor, int]:
    losses = objective.compare(vectors).losses
    return losses.sum(), len(losses)
