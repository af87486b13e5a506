import pytest
import torch

from wenlu.errors import ConfigError
from wenlu.nn.start_end import StartEnd

INSIDE = torch.tensor([[False, False, True, True, True, True, False], [False] * 5 + [True] * 2])
REAL = torch.tensor([[True] * 7, [True] * 7])


def test_the_published_example() -> None:
    """The likeliest start is after the likeliest end: the best pair is neither's best."""
    logs = torch.tensor([[[0.1, 0.5], [0.6, 0.2], [0.3, 0.3]]]).log()
    best = StartEnd(4).best(logs, torch.ones(1, 3, dtype=torch.bool), 1)
    assert (best.first.item(), best.last.item()) == (1, 2)
    assert best.scores.exp().item() == pytest.approx(0.18)


@pytest.mark.parametrize("longest", [1, 2, 9])
def test_the_best_are_those_of_sorting_all(longest: int) -> None:
    torch.manual_seed(1)
    head = StartEnd(8, longest=longest)
    logs = head(torch.randn(2, 7, 8), REAL, INSIDE).detach()
    best = head.best(logs, INSIDE, 4)
    for row in range(2):
        places = INSIDE[row].nonzero().flatten().tolist()
        every = sorted(
            (
                (float(logs[row, i, 0] + logs[row, j, 1]), i, j)
                for i in places
                for j in places
                if i <= j < i + longest
            ),
            reverse=True,
        )
        found = [
            (float(s), int(i), int(j))
            for s, i, j in zip(best.scores[row], best.first[row], best.last[row], strict=True)
            if s > -torch.inf
        ]
        assert found == every[:4]


def test_the_loss_is_the_mean_of_two_softmaxes_over_real_tokens() -> None:
    torch.manual_seed(1)
    head, states = StartEnd(8), torch.randn(2, 7, 8)
    real = torch.tensor([[True] * 7, [True] * 5 + [False] * 2])
    logs = head(states, real, INSIDE)
    losses = head.losses(logs, torch.tensor([[2, 5], [1, 4]]))
    for row, (length, start, end) in enumerate([(7, 2, 5), (5, 1, 4)]):
        logits = head.ends(states[row, :length])
        wanted = torch.nn.functional.cross_entropy(logits.T, torch.tensor([start, end]))
        torch.testing.assert_close(losses[row], wanted)


def test_an_answer_has_a_token() -> None:
    with pytest.raises(ConfigError, match="at least one token"):
        StartEnd(8, longest=0)
