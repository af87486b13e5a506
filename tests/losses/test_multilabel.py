"""Held to its formula in float64, one cell at a time, and to finite differences."""

import math
from collections.abc import Sequence

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from wenlu.errors import ConfigError
from wenlu.losses import multilabel_loss, sparse_multilabel_loss

DOUBLE = torch.float64


def by_hand(scores: Sequence[float], positives: Sequence[int]) -> float:
    chosen = [math.exp(-scores[i]) for i in positives]
    others = [math.exp(s) for i, s in enumerate(scores) if i not in positives]
    return math.log1p(math.fsum(chosen)) + math.log1p(math.fsum(others))


def places(labels: Tensor) -> Tensor:
    return labels.nonzero()


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[float], list[int]]:
    scores = draw(st.lists(st.floats(-30, 30), min_size=1, max_size=12))
    return scores, draw(st.lists(st.sampled_from(range(len(scores))), unique=True))


@given(cases())
def test_from_the_formula(case: tuple[list[float], list[int]]) -> None:
    scores, positives = case
    labels = torch.zeros(len(scores), dtype=torch.bool)
    labels[positives] = True
    s = torch.tensor(scores, dtype=DOUBLE)
    expected = pytest.approx(by_hand(scores, positives), rel=1e-12, abs=1e-15)
    assert multilabel_loss(s, labels).item() == expected
    assert multilabel_loss(s, labels.double()).item() == expected
    assert sparse_multilabel_loss(s, places(labels)).item() == expected


def test_worked_by_hand() -> None:
    scores, labels = torch.tensor([2, -1, 0.5], dtype=DOUBLE), torch.tensor([1.0, 0, 0])
    for loss in (
        multilabel_loss(scores, labels.double()),
        sparse_multilabel_loss(scores, places(labels)),
    ):
        assert loss.item() == pytest.approx(1.2310586, abs=5e-8)
    nothing = torch.zeros(6, dtype=DOUBLE)
    for loss in (
        multilabel_loss(nothing, torch.zeros(6, dtype=torch.bool)),
        sparse_multilabel_loss(nothing, torch.zeros(0, 1, dtype=torch.int64)),
    ):
        assert loss.item() == pytest.approx(1.9459101, abs=5e-8)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=9), st.data())
def test_with_one_positive_no_less_than_cross_entropy(
    scores: list[float], data: st.DataObject
) -> None:
    target = data.draw(st.sampled_from(range(len(scores))))
    s = torch.tensor(scores, dtype=DOUBLE)
    entropy = F.cross_entropy(s, torch.tensor(target))
    assert sparse_multilabel_loss(s, torch.tensor([[target]])) >= entropy - 1e-12


def some(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(*shape, generator=generator, dtype=DOUBLE)


def test_gradients_are_those_of_finite_differences() -> None:
    scores = some(3, 7).requires_grad_()
    labels = some(3, 7, seed=1) > 2
    soft = torch.rand(3, 7, generator=torch.Generator().manual_seed(2), dtype=DOUBLE)
    mask = some(3, 7, seed=3) > -2
    assert 3 < labels.sum() < 12
    assert 2 < (~mask).sum() < 10
    assert torch.autograd.gradcheck(lambda s: multilabel_loss(s, labels), scores)
    assert torch.autograd.gradcheck(lambda s: multilabel_loss(s, soft, mask), scores)
    assert torch.autograd.gradcheck(lambda s: sparse_multilabel_loss(s, places(labels)), scores)


def test_the_sparse_form_is_the_dense_one_in_several_dimensions() -> None:
    scores = some(2, 3, 5, 5).requires_grad_()
    labels = some(2, 3, 5, 5, seed=1) > 4
    labels[1, 2] = False
    assert (labels.flatten(2).sum(-1) > 1).any()
    assert (labels.flatten(2).sum(-1) == 0).any()
    weights = some(2, 3, seed=2)
    dense = multilabel_loss(scores.flatten(2), labels.flatten(2))
    sparse = sparse_multilabel_loss(scores, places(labels), dims=2)
    torch.testing.assert_close(sparse, dense)
    [expected] = torch.autograd.grad((dense * weights).sum(), scores)
    [found] = torch.autograd.grad((sparse * weights).sum(), scores)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("loud", [20.0, 60.0, 300.0])
def test_a_positive_that_outweighs_all_others_hides_nothing(loud: float) -> None:
    """A difference of two sums over all cells would be nothing but rounding error here."""
    scores = torch.tensor([[loud, -5.0, 1.0]], requires_grad=True)
    loss = sparse_multilabel_loss(scores, torch.tensor([[0, 0]]))
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-5) + math.e), rel=1e-6)
    loss.sum().backward()
    total = 1 + math.exp(-5) + math.e
    expected = [-math.exp(-loud), math.exp(-5) / total, math.e / total]
    assert scores.grad is not None
    assert scores.grad[0].tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("sparse", [True, False])
def test_extreme_scores_stay_finite(sparse: bool) -> None:
    scores = torch.tensor([[1e4, -1e4, 1e4, -1e4, -torch.inf]], requires_grad=True)
    labels = torch.tensor([[True, True, False, False, False]])
    loss = (
        sparse_multilabel_loss(scores, places(labels))
        if sparse
        else multilabel_loss(scores, labels)
    )
    assert loss.item() == pytest.approx(2e4)
    loss.sum().backward()
    assert scores.grad is not None
    assert scores.grad.tolist() == [[0.0, -1.0, 1.0, 0.0, 0.0]]


def test_cells_that_do_not_count() -> None:
    scores = some(2, 6).requires_grad_()
    labels = torch.tensor([[True, False, False, True, False, False]] * 2)
    mask = torch.tensor([[True, True, True, False, False, True], [False] * 6])
    masked = multilabel_loss(scores, labels, mask)
    expected = multilabel_loss(scores[0, mask[0]], labels[0, mask[0]])
    torch.testing.assert_close(masked, torch.stack([expected, torch.tensor(0.0, dtype=DOUBLE)]))
    masked.sum().backward()
    assert scores.grad is not None
    assert (scores.grad[~mask] == 0).all()
    assert (scores.grad[mask] != 0).all()
    gone = scores.detach().masked_fill(~mask, -torch.inf).requires_grad_()
    sparse = sparse_multilabel_loss(gone, places(labels & mask))
    torch.testing.assert_close(sparse, masked)
    sparse.sum().backward()
    torch.testing.assert_close(gone.grad, scores.grad)
    assert not (gone.grad[~mask]).any()  # type: ignore[index]


def test_soft_labels_weigh_both_sides() -> None:
    scores, labels = some(5), torch.tensor([0.0, 0.2, 0.5, 0.9, 1.0], dtype=DOUBLE)
    chosen = sum(y * math.exp(-s) for s, y in zip(scores.tolist(), labels.tolist(), strict=True))
    others = sum(
        (1 - y) * math.exp(s) for s, y in zip(scores.tolist(), labels.tolist(), strict=True)
    )
    loss = multilabel_loss(scores, labels)
    assert loss.item() == pytest.approx(math.log1p(chosen) + math.log1p(others), rel=1e-12)


def test_the_best_score_of_a_soft_label_is_half_its_log_odds() -> None:
    score = torch.tensor([math.log(0.3 / 0.7) / 2], dtype=DOUBLE, requires_grad=True)
    multilabel_loss(score, torch.tensor([0.3], dtype=DOUBLE)).backward()
    assert score.grad is not None
    assert score.grad.item() == pytest.approx(0, abs=1e-12)


def test_low_precision_is_summed_in_float32() -> None:
    scores = some(2, 50).to(torch.bfloat16).requires_grad_()
    labels = some(2, 50, seed=1) > 4
    sparse = sparse_multilabel_loss(scores, places(labels))
    dense = multilabel_loss(scores, labels)
    assert sparse.dtype == dense.dtype == torch.float32
    torch.testing.assert_close(sparse, multilabel_loss(scores.double(), labels).float())
    torch.testing.assert_close(dense, sparse)
    sparse.sum().backward()
    assert scores.grad is not None
    assert scores.grad.dtype == torch.bfloat16


def test_no_sets_and_no_cells() -> None:
    none = torch.zeros(0, 2, dtype=torch.int64)
    assert sparse_multilabel_loss(torch.zeros(0, 4), none).shape == (0,)
    assert sparse_multilabel_loss(torch.zeros(3, 0), none).tolist() == [0.0] * 3


def test_places_that_do_not_fit() -> None:
    with pytest.raises(ConfigError, match="sets of 2 and places of positives with 3 numbers"):
        sparse_multilabel_loss(torch.zeros(2, 3), torch.zeros(1, 3, dtype=torch.int64), dims=2)
