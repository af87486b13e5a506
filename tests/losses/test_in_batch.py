import math

import pytest
import torch
from torch import Tensor

from wenlu.errors import ConfigError
from wenlu.losses import in_batch_loss, similarities


def vectors(*rows: tuple[float, ...]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


FOUR = vectors((1, 0), (0.6, 0.8), (0, 1), (0.8, 0.6))


def some(count: int, width: int = 5, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, width, generator=generator, dtype=torch.float64)


def test_neighbours_that_are_alike_and_unlike_the_rest_cost_next_to_nothing() -> None:
    loss = in_batch_loss(vectors((1, 0), (1, 0), (0, 1), (0, 1)), scale=30)
    assert loss.item() == pytest.approx(math.log1p(2 * math.exp(-30)), rel=1e-2)  # of 1 + 2e-13
    assert loss.item() == pytest.approx(1.872e-13, rel=1e-2)


@pytest.mark.parametrize("scale", [1, 20, 30])
def test_among_equal_vectors_all_but_itself_are_as_likely(scale: float) -> None:
    loss = in_batch_loss(torch.ones(6, 3, dtype=torch.float64), scale=scale)
    assert loss.item() == pytest.approx(math.log(5), abs=1e-12)
    assert loss.item() == pytest.approx(1.6094379, abs=1e-7)


@pytest.mark.parametrize(("scale", "expected"), [(30, 8.4053460), (20, 5.6294102)])
def test_worked_by_hand(scale: float, expected: float) -> None:
    assert in_batch_loss(FOUR, scale=scale).item() == pytest.approx(expected, abs=1e-7)


def test_the_default_scale() -> None:
    assert in_batch_loss(FOUR).item() == pytest.approx(5.6294102, abs=1e-7)


def test_from_the_formula_one_row_at_a_time() -> None:
    found = some(8)
    losses = []
    for i, v in enumerate(found):
        logits = {j: 20 * float(v @ w / v.norm() / w.norm()) for j, w in enumerate(found) if j != i}
        total = math.log(sum(map(math.exp, logits.values())))
        losses.append(total - logits[i + 1 if i % 2 == 0 else i - 1])
    assert in_batch_loss(found).item() == pytest.approx(sum(losses) / 8, rel=1e-12)


def test_only_directions_count_and_the_order_of_pairs_does_not() -> None:
    found = some(6)
    loss = in_batch_loss(found)
    lengths = torch.tensor([1, 2, 0.5, 3, 7, 0.1], dtype=torch.float64)[:, None]
    torch.testing.assert_close(in_batch_loss(lengths * found), loss)
    torch.testing.assert_close(in_batch_loss(found[[1, 0, 4, 5, 2, 3]]), loss)
    assert not torch.isclose(in_batch_loss(found[[0, 2, 1, 3, 4, 5]]), loss)


def test_gradients() -> None:
    found = some(6, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: in_batch_loss(v, scale=3.0), (found,))


def test_similarities() -> None:
    found = similarities(FOUR, 10)
    expected = [[-math.inf, 6, 0, 8], [6, -math.inf, 8, 9.6]]
    torch.testing.assert_close(found[:2], torch.tensor(expected, dtype=torch.float64))
    torch.testing.assert_close(found, found.T)


def test_a_pair_has_nobody_else_and_nothing_costs_nothing() -> None:
    assert in_batch_loss(some(2)).item() == 0
    assert similarities(some(0), 20).shape == (0, 0)


def test_half_precision_is_left_for_the_cosines() -> None:
    exact = some(16, 64).float()
    expected = in_batch_loss(exact)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(in_batch_loss(exact), expected)
    rounded = exact.bfloat16()
    assert similarities(rounded, 20).dtype == torch.float32
    torch.testing.assert_close(in_batch_loss(rounded), in_batch_loss(rounded.float()))


def test_vectors_that_are_not_in_pairs_are_refused() -> None:
    with pytest.raises(ConfigError, match="the vectors must come in pairs; got 3 of them"):
        in_batch_loss(some(3))
