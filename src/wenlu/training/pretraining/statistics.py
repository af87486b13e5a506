"""What a person should know of the rows before training begins."""

import numpy as np

from wenlu.training.pretraining.data import PretrainingData
from wenlu.training.pretraining.settings import PretrainingSettings

_SAMPLE = 50
"""Batches that are looked at."""


def describe_rows(data: PretrainingData, settings: PretrainingSettings) -> list[str]:
    """Lines on the corpus, and on what the first batches are like."""
    made = data.corpus.statistics
    lines = [
        f"corpus: {made.documents:,} documents, {made.sentences:,} sentences, "
        f"{made.tokens:,} tokens, {made.unknown_share:.3%} [UNK]"
    ]
    sample = range(min(_SAMPLE, len(data.block(0).batches)))
    rows = real = width = labels = spans = 0
    for number in sample:
        batch = data.batch(0, number)
        rows += len(batch.ids)
        width += batch.ids.numel()
        real += int(data.block(0).plan.lengths[data.block(0).batches[number]].sum())
        if "mlm" in batch.labels:
            places = batch.labels["mlm"].places.numpy()
            labels += len(places)
            spans += int(np.count_nonzero(np.diff(places, prepend=-2) > 1))
    lines.append(
        f"rows: {real / rows:.1f} tokens on average, {rows / len(sample):.1f} a batch, "
        f"{real / width:.1%} of the places filled"
    )
    if spans:
        lines.append(
            f"masked: {labels / real:.1%} of the tokens, {labels / spans:.2f} in a row on average"
        )
    seen = settings.steps * settings.accumulate * real / len(sample)
    lines.append(
        f"{settings.steps:,} updates will see some {seen / 1e6:,.1f} million tokens, "
        f"{seen / made.tokens:.2g} times the corpus"
    )
    return lines
