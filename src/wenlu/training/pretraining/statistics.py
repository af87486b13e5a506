"""What a person should know of the rows before training begins."""

import numpy as np

from wenlu.training.pretraining.data import PretrainingData
from wenlu.training.pretraining.rows import NOT_A_PAIR
from wenlu.training.pretraining.settings import PretrainingSettings

_SAMPLE = 50
"""Batches that are looked at."""


def describe_rows(
    data: PretrainingData, settings: PretrainingSettings, micro_batches: int
) -> list[str]:
    """Lines on the corpus, and on what the first batches are like.

    Args:
        data: the rows.
        settings: how they will be trained on.
        micro_batches: batches of a step.
    """
    made = data.corpus.statistics
    lines = [
        f"corpus: {made.documents:,} documents, {made.sentences:,} sentences, "
        f"{made.tokens:,} tokens, {made.unknown_share:.3%} [UNK]"
    ]
    first = data.block(0)
    sample = range(min(_SAMPLE, len(first.batches)))
    rows = real = width = pairs = labels = spans = 0
    for number in sample:
        batch = data.batch(0, number)
        rows += len(batch.ids)
        width += batch.ids.numel()
        real += int(data.lengths(0, number).sum())
        pairs += int((first.plan.relation[first.batches[number]] != NOT_A_PAIR).sum())
        if "mlm" in batch.labels:
            places = batch.labels["mlm"].places.numpy()
            labels += len(places)
            spans += int(np.count_nonzero(np.diff(places, prepend=-2) > 1))
    lines.append(
        f"rows: {real / rows:.1f} tokens on average, {rows / len(sample):.1f} a batch, "
        f"{real / width:.1%} of the places filled"
    )
    if pairs:
        lines.append(f"pairs: {pairs / rows:.1%} of the rows; the others are single sentences")
    if spans:
        lines.append(
            f"masked: {labels / real:.1%} of the tokens, {labels / spans:.2f} in a row on average"
        )
    batches = settings.steps * micro_batches
    lines.append(
        f"{settings.steps:,} steps will see some {batches * real / len(sample) / 1e6:,.1f} "
        f"million tokens, {batches / len(first.batches) / data.blocks:.2g} times the corpus"
    )
    return lines
