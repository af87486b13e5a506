from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from wenlu.errors import CheckpointError
from wenlu.models import FAMILIES, POOLINGS, ChoiceBatch, ChoiceScorer, Model, Scored

SIZES = {"vocabulary": 29, "width": 16, "heads": 2, "layers": 2, "inner_width": 32}
COUNTS = [2, 4, 3]
LENGTHS = torch.tensor([7, 3, 5, 6, 2, 7, 4, 4, 3])
REAL = torch.arange(4) < torch.tensor(COUNTS)[:, None]
TARGETS = torch.tensor([1, 3, 0])


def make(pooling: str, randomised: Callable[[nn.Module], nn.Module]) -> ChoiceScorer:
    model = Model(FAMILIES["roformer"](**SIZES), {"pooler"})
    return randomised(ChoiceScorer(model, pooling=pooling))


def batch() -> ChoiceBatch:
    torch.manual_seed(3)
    segments = (torch.arange(7) > 2).long().expand(9, 7).contiguous()
    return ChoiceBatch(torch.randint(29, (9, 7)), segments, LENGTHS, REAL, TARGETS)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_each_choice_is_scored_by_itself(
    pooling: str, randomised: Callable[[nn.Module], nn.Module]
) -> None:
    scorer, given = make(pooling, randomised), batch()
    found = scorer(given)
    assert found.logits.shape == (3, 4)
    row = 0
    for question, count in enumerate(COUNTS):
        for choice in range(count):
            part = slice(row, row + 1), slice(int(LENGTHS[row]))
            alone = scorer(
                ChoiceBatch(given.ids[part], given.segments[part], None, torch.ones(1, 1) > 0)
            )
            assert alone.losses is None
            torch.testing.assert_close(
                found.logits[question, choice], alone.logits[0, 0], rtol=1e-6, atol=1e-6
            )
            row += 1


def test_choices_that_are_not_there_are_neither_learned_nor_predicted(
    randomised: Callable[[nn.Module], nn.Module],
) -> None:
    scorer, given = make("first", randomised), batch()
    logits, losses = scorer(given)
    assert logits[~REAL].tolist() == [-torch.inf] * 3
    assert torch.isfinite(losses).all()
    for question, count in enumerate(COUNTS):
        expected = F.cross_entropy(logits[question, :count], TARGETS[question])
        torch.testing.assert_close(losses[question], expected)
    losses.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in scorer.parameters() if p.grad is not None)
    assert scorer.scorer.weight.grad.abs().sum() > 0


def test_a_bias_cannot_tell_choices_apart(randomised: Callable[[nn.Module], nn.Module]) -> None:
    scorer, given = make("mean", randomised), batch()
    before = scorer(given).losses
    with torch.no_grad():
        scorer.scorer.bias += 3
    torch.testing.assert_close(scorer(given).losses, before)


def test_half_precision_ends_in_full(randomised: Callable[[nn.Module], nn.Module]) -> None:
    scorer = make("first", randomised)
    with torch.autocast("cpu", torch.bfloat16):
        found = scorer(batch())
    assert isinstance(found, Scored)
    assert found.logits.dtype == found.losses.dtype == torch.float32


def test_a_pooler_must_be_there() -> None:
    with pytest.raises(CheckpointError, match="pooling 'pooler' needs a checkpoint that has"):
        ChoiceScorer(Model(FAMILIES["bert"](**SIZES)), pooling="pooler")
