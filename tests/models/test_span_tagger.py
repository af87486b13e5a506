import numpy as np
import pytest
import torch
from torch import Tensor

from wenlu.losses import multilabel_loss
from wenlu.models import Model
from wenlu.models.roformer import roformer
from wenlu.models.span_tagger import SPAN_HEADS, SpanBatch, SpanTagger, found_spans

TYPES = 3


def tagger(head: str) -> SpanTagger:
    torch.manual_seed(3)
    shape = roformer(vocabulary=30, width=16, layers=1, heads=2, inner_width=32, max_length=64)
    return SpanTagger(Model(shape), TYPES, head=head).eval()


def ids(*lengths: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    drawn = torch.randint(5, 30, (len(lengths), max(lengths)), generator=generator)
    return drawn * (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None])


@pytest.mark.parametrize("head", SPAN_HEADS)
def test_no_span_has_a_special_token_or_padding(head: str) -> None:
    scores = tagger(head)(SpanBatch(ids(7, 4, 2), torch.tensor([7, 4, 2]))).scores
    finite = scores.isfinite()
    for row, length in enumerate((7, 4, 2)):
        places = torch.zeros(7, 7, dtype=torch.bool)
        inner = length - 2
        places[1 : length - 1, 1 : length - 1] = torch.ones(inner, inner).triu().bool()
        assert torch.equal(finite[row], places.expand(TYPES, 7, 7))


@pytest.mark.parametrize("head", SPAN_HEADS)
def test_rows_do_not_hang_on_their_neighbours(head: str) -> None:
    module, rows = tagger(head), ids(7, 4)
    together = module(SpanBatch(rows, torch.tensor([7, 4]))).scores
    torch.testing.assert_close(together[:1], module(SpanBatch(rows[:1], None)).scores)
    alone = module(SpanBatch(rows[1:, :4], None)).scores
    torch.testing.assert_close(together[1:, :, :4, :4], alone)


@pytest.mark.parametrize("head", SPAN_HEADS)
def test_losses_are_means_over_types(head: str) -> None:
    positives = torch.tensor([[0, 0, 1, 2], [0, 2, 1, 2], [0, 2, 4, 4], [1, 1, 1, 1]])
    found = tagger(head)(SpanBatch(ids(7, 4), torch.tensor([7, 4]), positives))
    labels = torch.zeros(2, TYPES, 7, 7, dtype=torch.bool)
    labels[positives.unbind(1)] = True
    dense = multilabel_loss(found.scores.flatten(2), labels.flatten(2))
    torch.testing.assert_close(found.losses, dense.mean(1))


@pytest.mark.parametrize("head", SPAN_HEADS)
def test_next_to_nothing_is_found_before_training(head: str) -> None:
    scores = tagger(head)(SpanBatch(ids(40, 30), torch.tensor([40, 30]))).scores
    assert (scores > 0).sum() < 0.01 * scores.isfinite().sum()


@pytest.mark.parametrize("head", SPAN_HEADS)
def test_it_learns_what_overlaps(head: str) -> None:
    """Nested spans, equal spans of two types, and none, are all told apart after some updates."""
    module, rows = tagger(head).train(), ids(8, 8, 5)
    wanted = [[0, 0, 1, 4], [0, 0, 2, 3], [0, 1, 1, 4], [1, 2, 5, 6], [1, 0, 5, 5]]
    batch = SpanBatch(rows, torch.tensor([8, 8, 5]), torch.tensor(wanted))
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.02)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=160)
    for _ in range(160):
        optimizer.zero_grad()
        module(batch).losses.mean().backward()
        optimizer.step()
        falling.step()
    found = found_spans(module.eval()(batch).scores)
    cells = [
        [row, *cell] for row, spans in enumerate(found) for cell in np.stack(spans[:3], 1).tolist()
    ]
    assert sorted(cells) == sorted(wanted)


def test_what_is_found_is_what_scores_above_zero() -> None:
    generator = torch.Generator().manual_seed(5)
    scores = torch.randn(4, TYPES, 6, 6, generator=generator)
    scores[2] = -torch.inf
    scores[0, 0, 0, 0] = 0.0
    found = found_spans(scores)
    assert len(found) == 4
    assert len(found[2].types) == 0
    for row, spans in enumerate(found):
        expected = [
            (t, i, j, scores[row, t, i, j].item())
            for t in range(TYPES)
            for i in range(6)
            for j in range(6)
            if scores[row, t, i, j] > 0
        ]
        assert list(zip(*(column.tolist() for column in spans), strict=True)) == expected
        assert all(column.base is None or column.base.nbytes < 1e4 for column in spans)


def test_the_efficient_head_is_small_for_many_types() -> None:
    count = {
        name: sum(p.numel() for p in make(16, 100).parameters())
        for name, make in SPAN_HEADS.items()
    }
    assert count["efficient"] < count["global"] / 5
