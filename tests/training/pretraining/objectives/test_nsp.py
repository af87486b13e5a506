import numpy as np
import torch

from wenlu.models import Model
from wenlu.training.pretraining.objectives import NextSentence
from wenlu.training.pretraining.rows import IN_ORDER, NOT_A_PAIR, OUT_OF_ORDER

from ..small import in_memory, some_shape
from .rows import handmade, many, pairs_of, tiny_model

PAIRS = (([5, 6], [7]), ([5], []), ([5, 6, 7], [8, 9]), ([8], [5]))
RELATION = (IN_ORDER, NOT_A_PAIR, OUT_OF_ORDER, IN_ORDER)


def test_pairs_are_labelled_at_their_first_token() -> None:
    rows = handmade(*PAIRS, relation=RELATION)
    before = rows.ids.copy()
    width = rows.ids.shape[1]
    assert width == 8
    assert pairs_of(NextSentence().prepare(rows)) == [(0, 0), (2 * width, 1), (3 * width, 0)]
    np.testing.assert_array_equal(rows.ids, before)


def test_it_needs_pairs_of_which_half_are_random() -> None:
    objective = NextSentence()
    assert (objective.name, objective.layout, objective.attention) == ("nsp", "next", "full")
    assert set(objective.heads) == {"pooler", "nsp"}


def test_the_class_is_one_where_the_second_text_is_from_elsewhere() -> None:
    corpus = in_memory(some_shape(30))
    rows = many(corpus, "next", 32)
    labels = dict(pairs_of(NextSentence().prepare(rows)))
    width = rows.ids.shape[1]
    for row in range(len(rows.ids)):
        end = int((rows.segments[row] == 0)[: rows.lengths[row]].sum()) - 1
        first, second = rows.ids[row, 1:end], rows.ids[row, end + 1 : rows.lengths[row] - 1]
        if not len(second):
            assert row * width not in labels
            continue
        assert labels[row * width] == int(second[0] != first[-1] + 1)


def test_the_loss_is_that_of_the_models_head() -> None:
    objective, model = NextSentence(), tiny_model(["pooler", "nsp"])
    rows = handmade(*PAIRS, relation=RELATION)
    states = torch.randn(4, rows.ids.shape[1], 16)
    scored = objective.score(model, states, objective.prepare(rows))
    logits = model.next_sentence_logits(states)[[0, 2, 3]]
    expected = -logits.log_softmax(-1)[torch.arange(3), torch.tensor([0, 1, 0])]
    torch.testing.assert_close(scored.losses, expected)
    assert scored.correct.tolist() == (logits.argmax(-1) == torch.tensor([0, 1, 0])).tolist()


def test_no_pairs_are_no_labels() -> None:
    objective, model = NextSentence(), tiny_model(["pooler", "nsp"])
    labels = objective.prepare(handmade(([5], []), ([6], [])))
    scored = objective.score(model, torch.randn(2, 3, 16, requires_grad=True), labels)
    assert len(scored.losses) == len(scored.correct) == 0
    scored.losses.sum().backward()
    assert _gradient(model) == 0.0


def _gradient(model: Model) -> float:
    assert model.nsp is not None
    assert model.nsp.weight.grad is not None  # all processes have one, or they wait for each other
    return float(model.nsp.weight.grad.abs().sum())
