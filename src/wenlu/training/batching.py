"""Batches of texts of similar length, within a budget of tokens.

The order of the data is a pure function of (lengths, budget, seed, epoch), so a run that was
killed resumes with exactly the batches that it would have seen.
"""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]

BUCKET_BATCHES = 50
"""Rows are sorted by length within stretches of about this many batches: enough for next to no
padding, few enough that the batches of an epoch stay a good mix."""

FEWEST_EPOCHS, MOST_EPOCHS = 5, 20
ENOUGH_STEPS = 1_000
"""Steps that a training should have, within those bounds."""


def plan_batches(lengths: Rows, *, tokens: int, rows: int, seed: int, epoch: int) -> list[Rows]:
    """All rows once, shuffled into batches of similar length.

    Args:
        lengths: tokens of each row.
        tokens: budget of a batch, rows times longest; a longer row makes a batch of its own.
        rows: largest number of rows in a batch.
        seed: of the run.
        epoch: counted from 0.
    """
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(lengths))
    batches: list[Rows] = []
    mean = max(1.0, float(lengths.mean())) if len(lengths) else 1.0
    stretch = max(1, round(BUCKET_BATCHES * min(rows, tokens / mean)))
    for start in range(0, len(order), stretch):
        part = order[start : start + stretch]
        part = part[np.argsort(lengths[part], kind="stable")]
        batches += cut_by_tokens(part, lengths, tokens, rows)
    return [batches[i] for i in random.permutation(len(batches))]


def enough_epochs(lengths: Rows, *, tokens: int, rows: int) -> int:
    """How often to go through so many rows if nobody says it; arguments as of `plan_batches`.

    Few rows want more epochs, not fewer steps ("On the Stability of Fine-tuning BERT:
    Misconceptions, Explanations, and Strong Baselines", 2021).
    """
    batches = len(plan_batches(lengths, tokens=tokens, rows=rows, seed=0, epoch=0))
    return min(max(FEWEST_EPOCHS, -(-ENOUGH_STEPS // max(1, batches))), MOST_EPOCHS)


def cut_by_tokens(order: Rows, lengths: Rows, tokens: int, rows: int) -> list[Rows]:
    """Cut rows that are in order of length (shortest first) into batches within the budget."""
    batches: list[Rows] = []
    start = 0
    for end in range(1, len(order) + 1):
        full = end - start >= rows
        if end == len(order) or full or (end - start + 1) * lengths[order[end]] > tokens:
            batches.append(order[start:end])
            start = end
    return batches


def in_length_order(lengths: Rows, *, tokens: int, rows: int) -> list[Rows]:
    """All rows once, in batches of similar length, longest last; for running a trained model."""
    return cut_by_tokens(np.argsort(lengths, kind="stable"), lengths, tokens, rows)
