"""How well a model does on text that it was not trained on, source by source."""

from collections import defaultdict

import numpy as np
import torch
from numpy.typing import NDArray

from wenlu.training.inference import to_device
from wenlu.training.precision import arithmetic, resolve_precision
from wenlu.training.pretraining.data import PretrainingData
from wenlu.training.pretraining.module import Pretraining

Scores = dict[str, dict[str, dict[str, float]]]
"""Objective -> source, or "all" -> loss, accuracy and count (labels)."""


def evaluate(module: Pretraining, data: PretrainingData, *, precision: str = "auto") -> Scores:
    """Mean loss and accuracy of each objective on one epoch of held-out text.

    Rows and masks are those of the first epoch every time, so that numbers can be compared.
    """
    module.eval()
    device = next(module.parameters()).device
    resolved = resolve_precision(precision, device)
    sources = len(data.corpus.sources)
    sums: dict[str, NDArray[np.float64]] = defaultdict(lambda: np.zeros((3, sources)))
    for block in range(data.blocks):
        for number in range(len(data.block(block).batches)):
            batch = data.batch(block, number)
            owner = data.sources(block, number)
            with torch.inference_mode(), arithmetic(resolved, device):
                found = module.scored(to_device(batch, device))
            for name, scored in found.items():
                source = owner[batch.labels[name].places.numpy() // batch.ids.shape[1]]
                for row, values in enumerate((scored.losses, scored.correct)):
                    weights = values.cpu().double().numpy()
                    sums[name][row] += np.bincount(source, weights, minlength=sources)
                sums[name][2] += np.bincount(source, minlength=sources)
    return {name: _by_source(data.corpus.sources, totals) for name, totals in sums.items()}


def _by_source(names: list[str], totals: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    columns = [("all", totals.sum(1)), *zip(names, totals.T, strict=True)]
    return {
        name: {"loss": loss / count, "accuracy": correct / count, "count": int(count)}
        for name, (loss, correct, count) in columns
        if count
    }
