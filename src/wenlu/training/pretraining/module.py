"""A model with what it is pretrained to do."""

from collections.abc import Sequence

from torch import nn

from wenlu.models import Model
from wenlu.training.pretraining.batch import PretrainingBatch
from wenlu.training.pretraining.objectives import Objective, Scored, attention_mask, attention_of


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

    def forward(self, batch: PretrainingBatch) -> dict[str, Scored]:
        mask = attention_mask(self.attention, batch)
        segments = batch.segments if self.model.config.segments else None
        states = self.model.encoder(batch.ids, segments, mask)
        return {
            one.name: one.score(self.model, states, batch.labels[one.name])
            for one in self.objectives
        }
