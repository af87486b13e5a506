from dataclasses import replace

import pytest
import torch

from wenlu.errors import ConfigError
from wenlu.models.bert import bert
from wenlu.models.model import Model
from wenlu.models.reader import READING_HEADS, Reader, ReadingBatch

heads = pytest.mark.parametrize("head", READING_HEADS)


def reader(head: str, dropout: float = 0.1) -> Reader:
    torch.manual_seed(3)
    shape = bert(vocabulary=20, width=16, layers=1, heads=2, inner_width=32, max_length=32)
    shape = replace(shape, dropout=dropout, attention_dropout=dropout)
    return Reader(Model(shape), head=head, longest=4, dropout=dropout)


def batch(
    *, targets: torch.Tensor | None = None, answers: torch.Tensor | None = None
) -> ReadingBatch:
    ids = torch.randint(5, 20, (2, 12), generator=torch.Generator().manual_seed(5))
    lengths, begins = torch.tensor([12, 9]), torch.tensor([4, 6])
    ids[1, 9:] = 0
    return ReadingBatch(ids, None, lengths, begins, targets, answers)


@heads
def test_answers_stand_inside_the_text(head: str) -> None:
    read = reader(head).eval()(batch())
    assert read.losses is None
    assert read.best is not None
    for row, (begin, end) in enumerate([(4, 11), (6, 8)]):
        for first, last, score in zip(*(part[row].tolist() for part in read.best), strict=True):
            assert score == -torch.inf or begin <= first <= last < end
    assert (read.best.scores[1] > -torch.inf).sum() == 3  # two tokens make three spans
    assert torch.equal(read.best.scores, read.best.scores.sort(descending=True).values)


@heads
def test_a_padded_row_is_read_as_alone(head: str) -> None:
    module, both = reader(head).eval(), batch(targets=torch.tensor([[[5, 6]], [[6, 7]]]))
    alone = ReadingBatch(
        both.ids[1:, :9], None, None, both.begins[1:], torch.tensor([[[6, 7]]]), torch.tensor([1])
    )
    together, single = module(both), module(alone)
    assert together.best is not None
    assert single.best is not None
    torch.testing.assert_close(together.losses[1:], single.losses)
    torch.testing.assert_close(together.best.scores[1:, :3], single.best.scores[:, :3])
    assert torch.equal(together.best.first[1:, :3], single.best.first[:, :3])


@heads
def test_training_draws_one_of_several_answers(head: str) -> None:
    module = reader(head, dropout=0.0).train()
    targets = torch.tensor([[[4, 5], [8, 9]], [[6, 6], [0, 0]]])
    several = batch(targets=targets, answers=torch.tensor([2, 1]))
    wanted = [
        module(batch(targets=targets[:, :1], answers=torch.tensor([1, 1]))).losses,
        module(
            batch(targets=torch.tensor([[[8, 9]], [[6, 6]]]), answers=torch.tensor([1, 1]))
        ).losses,
    ]
    seen = []
    for seed in range(40):
        torch.manual_seed(seed)
        losses = module(several).losses
        torch.manual_seed(seed)
        assert torch.equal(losses, module(several).losses)  # the seed decides
        seen.append([torch.equal(losses, each) for each in wanted])
    assert all(any(one) for one in seen)
    assert 5 < sum(one[0] for one in seen) < 35
    assert torch.equal(module.eval()(several).losses, wanted[0])  # the first, to measure by


@heads
def test_it_learns_to_point(head: str) -> None:
    module = reader(head).train()
    targets = torch.tensor([[[5, 7]], [[6, 6]]])
    optimizer = torch.optim.Adam(module.parameters(), 0.02)
    for _ in range(40):
        optimizer.zero_grad()
        module(batch(targets=targets, answers=torch.tensor([1, 1]))).losses.sum().backward()
        optimizer.step()
    best = module.eval()(batch()).best
    assert best is not None
    assert torch.stack([best.first[:, 0], best.last[:, 0]], 1).tolist() == [[5, 7], [6, 6]]


def test_an_unknown_head() -> None:
    with pytest.raises(ConfigError, match="no head 'globe'; the closest are global"):
        reader("globe")
