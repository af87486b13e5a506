import pytest
import torch
from torch import Tensor

from wenlu.nn.joint_span import JointSpan

INSIDE = torch.tensor(
    [
        [False, False, False, True, True, True, True, False, False],
        [False, False, True, True, False, False, False, False, False],
        [False, False, False, False, False, False, False, False, False],
    ]
)


@pytest.fixture
def head() -> JointSpan:
    torch.manual_seed(2)
    return JointSpan(16, size=8)


def cells(inside: Tensor) -> list[tuple[int, int]]:
    """The allowed ones of a row: of the text, and what starts or ends at [CLS]."""
    places = [0, *inside.nonzero().flatten().tolist()]
    return [(i, j) for i in places for j in places if i <= j]


def test_the_loss_is_one_softmax_over_the_allowed_cells(head: JointSpan) -> None:
    states = torch.randn(3, 9, 16)
    scores = head(states, None, INSIDE)
    targets = torch.tensor([[4, 6], [2, 2], [0, 0]])
    losses = head.losses(scores, targets)
    for row in range(3):
        allowed = cells(INSIDE[row])
        assert {tuple(c) for c in scores[row].isfinite().nonzero().tolist()} == set(allowed)
        logits = torch.stack([scores[row, i, j] for i, j in allowed])
        place = allowed.index(tuple(targets[row].tolist()))
        torch.testing.assert_close(losses[row], -logits.log_softmax(0)[place])


def test_what_is_not_allowed_has_no_gradient(head: JointSpan) -> None:
    states = torch.randn(3, 9, 16, requires_grad=True)
    head.losses(head(states, None, INSIDE), torch.tensor([[4, 6], [2, 2], [0, 0]])).sum().backward()
    assert states.grad is not None
    assert states.grad.isfinite().all()
    outside = ~INSIDE
    outside[:, 0] = False
    assert (states.grad[outside] == 0).all()
    assert (states.grad[INSIDE] != 0).any(-1).all()


@pytest.mark.parametrize("count", [1, 3, 5, 100])
def test_the_best_are_those_of_sorting_all(head: JointSpan, count: int) -> None:
    scores = head(torch.randn(3, 9, 16), None, INSIDE).detach()
    best = head.best(scores, INSIDE, count)
    for row in range(3):
        every = sorted(
            ((float(scores[row, i, j]), i, j) for i, j in cells(INSIDE[row]) if i), reverse=True
        )
        found = [
            (float(s), int(i), int(j))
            for s, i, j in zip(best.scores[row], best.first[row], best.last[row], strict=True)
            if s > -torch.inf
        ]
        assert found == every[:count]


def test_a_row_without_text_has_no_best_span(head: JointSpan) -> None:
    best = head.best(head(torch.randn(3, 9, 16), None, INSIDE), INSIDE, 4)
    assert (best.scores[2] == -torch.inf).all()
