import numpy as np
import pytest
import torch
from torch import Tensor

from wenlu.training.pretraining.batch import Rows
from wenlu.training.pretraining.objectives import UniLM

from ..small import in_memory, some_shape
from .rows import SEP, Handmade, handmade, many, pairs_of


def rows() -> Rows:
    return handmade(([5, 6], [7, 8]), ([5, 6, 7], [8]), ([9], []), ([9], [8]))


# [CLS] 5 6 [SEP] 7 8 [SEP] | [CLS] 5 6 7 [SEP] 8 [SEP] | [CLS] 9 [SEP] | [CLS] 9 [SEP] 8 [SEP]
LABELS = [(3, 7), (4, 8), (5, SEP), (11, 8), (12, SEP), (23, 8), (24, SEP)]


def loss(logits: Tensor) -> Tensor:
    objective = UniLM()
    return objective.score(Handmade(), logits, objective.prepare(rows())).losses.mean()


def test_the_second_text_and_its_end_are_predicted() -> None:
    found = rows()
    assert found.ids.shape == (4, 7)
    assert pairs_of(UniLM().prepare(found)) == LABELS
    np.testing.assert_array_equal(found.ids, rows().ids)


def test_the_loss_touches_these_logits_and_no_others() -> None:
    logits = torch.randn(4, 7, 40, requires_grad=True)
    loss(logits).backward()
    assert logits.grad is not None
    touched = logits.grad.abs().sum(-1).flatten().nonzero().flatten().tolist()
    assert touched == [place for place, _ in LABELS]


def test_logits_of_the_source_do_not_count_but_those_at_its_end() -> None:
    logits = torch.randn(4, 7, 40)
    before = loss(logits)
    expected = [-logits.flatten(0, 1)[place].log_softmax(0)[target] for place, target in LABELS]
    torch.testing.assert_close(before, torch.stack(expected).mean())
    labelled = {place for place, _ in LABELS}
    for place in range(28):
        changed = logits.clone()
        changed.view(28, 40)[place] += torch.randn(40)
        assert (loss(changed) == before) == (place not in labelled), place


@pytest.mark.parametrize("seed", [1, 2])
def test_rows_of_a_corpus(seed: int) -> None:
    """Of each pair: as many labels as the second text has tokens, and one for its end."""
    corpus = in_memory(some_shape(40, seed))
    found = many(corpus, "consecutive", 32, seed)
    labels = UniLM().prepare(found)
    width = found.ids.shape[1]
    per_row = np.bincount(labels.places.numpy() // width, minlength=len(found.ids))
    np.testing.assert_array_equal(per_row, found.segments.sum(1))
    assert (found.segments.ravel()[labels.places.numpy() + 1] == 1).all()
