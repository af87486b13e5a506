import numpy as np
import torch

from wenlu.training.pretraining.objectives import LanguageModel

from .rows import CLS, SEP, Handmade, handmade, pairs_of


def test_every_place_predicts_the_next() -> None:
    rows = handmade(([7, 8, 9], []), ([6], []))
    before = rows.ids.copy()
    assert pairs_of(LanguageModel().prepare(rows)) == [
        *((0, 7), (1, 8), (2, 9), (3, SEP)),
        *((5, 6), (6, SEP)),
    ]
    np.testing.assert_array_equal(rows.ids, before)
    assert rows.ids[0, 0] == CLS


def test_the_loss_is_the_naive_one() -> None:
    objective = LanguageModel()
    rows = handmade(([7, 8, 9], []), ([6], []), ([5, 5, 5, 5, 6, 7], []))
    logits = torch.randn(3, rows.ids.shape[1], 40)
    scored = objective.score(Handmade(), logits, objective.prepare(rows))
    expected = [
        -logits[row, place].log_softmax(0)[rows.ids[row, place + 1]]
        for row in range(3)
        for place in range(rows.lengths[row] - 1)
    ]
    torch.testing.assert_close(scored.losses, torch.stack(expected))
