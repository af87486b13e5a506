"""Held to the sum and the best over all sequences, which are written out, and to differences."""

from itertools import pairwise, product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from wenlu.nn import LinearChainCRF

TAGS = 3


def crf(
    deviation: float = 1.0, *, tags: int = TAGS, speed: float = 1.0, seed: int = 0
) -> LinearChainCRF:
    found = LinearChainCRF(tags, speed=speed).double()
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(tags, tags, generator=generator, dtype=torch.float64)
    found.slow.data = drawn * deviation / speed
    return found


def scores(*shape: int, deviation: float = 1.0, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64) * deviation


def all_sequences(model: LinearChainCRF, row: Tensor) -> dict[tuple[int, ...], float]:
    """The score of each sequence of a row (s k), added up term by term."""
    transitions = (model.slow * model.speed).tolist()
    found = {}
    for tags in product(range(model.tags), repeat=len(row)):
        total = sum(float(row[place, tag]) for place, tag in enumerate(tags))
        found[tags] = total + sum(transitions[i][j] for i, j in pairwise(tags))
    return found


def log_sum(values: list[float]) -> float:
    return float(torch.tensor(values, dtype=torch.float64).logsumexp(0))


@given(st.integers(1, 4), st.sampled_from([0.3, 3.0, 30.0]), st.integers(0, 5))
def test_log_partition_and_best_sequence_from_all_sequences(
    length: int, deviation: float, seed: int
) -> None:
    model, s = crf(deviation, seed=seed), scores(1, length, TAGS, deviation=deviation, seed=seed)
    every = all_sequences(model, s[0])
    assert model.log_partition(s).item() == pytest.approx(log_sum(list(every.values())), abs=1e-9)
    best = max(every, key=every.__getitem__)
    assert tuple(model.decode(s)[0].tolist()) == best
    assert model.score(s, torch.tensor([best])).item() == pytest.approx(every[best], abs=1e-9)
    for first in range(TAGS):
        begun = {tags: score for tags, score in every.items() if tags[0] == first}
        found = model.decode(s, first=first)[0].tolist()
        assert tuple(found) == max(begun, key=begun.__getitem__)


def test_four_places_and_three_tags_in_float32() -> None:
    model, s = crf().float(), scores(5, 4, TAGS).float()
    for row in range(5):
        every = all_sequences(model, s[row])
        expected = pytest.approx(log_sum(list(every.values())), rel=1e-6)
        assert model.log_partition(s)[row].item() == expected
        assert tuple(model.decode(s)[row].tolist()) == max(every, key=every.__getitem__)


def test_probabilities_of_all_sequences_add_up_to_one() -> None:
    model, s = crf(), scores(1, 4, TAGS)
    every = torch.tensor(list(product(range(TAGS), repeat=4)))
    losses = model.losses(s.expand(len(every), -1, -1), every)
    assert losses.neg().exp().sum().item() == pytest.approx(1.0, abs=1e-12)


def test_padding_changes_nothing() -> None:
    model, s = crf(), scores(4, 6, TAGS)
    tags = torch.arange(24).view(4, 6) % TAGS
    lengths = torch.tensor([6, 1, 4, 3])
    padded = s.clone()
    for row, length in enumerate(lengths.tolist()):
        padded[row, length:] = float("nan") if row == 2 else 1e6
    losses = model.losses(padded, tags, lengths)
    found = model.decode(padded, lengths, first=1)
    for row, length in enumerate(lengths.tolist()):
        alone = slice(row, row + 1)
        assert losses[row].item() == pytest.approx(
            model.losses(s[alone, :length], tags[alone, :length]).item(), abs=1e-12
        )
        assert torch.equal(found[alone, :length], model.decode(s[alone, :length], first=1))
        assert not found[row, length:].any()


@pytest.mark.parametrize("deviation", [1.0, 4000.0])
def test_gradients(deviation: float) -> None:
    """Of sums as products, and term by term where a product would lose some."""
    model, s = crf(deviation), scores(3, 4, TAGS, deviation=deviation)
    lengths, tags = torch.tensor([4, 2, 1]), torch.arange(12).view(3, 4) % TAGS
    by_products = model._forward_by_products(s, lengths)[1] > 1e-290
    assert by_products == (deviation == 1.0)

    def losses(s: Tensor, transitions: Tensor) -> Tensor:
        return torch.func.functional_call(
            _Losses(model), {"model.slow": transitions}, (s, tags, lengths)
        )

    given_slow = model.slow.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(losses, (s.requires_grad_(), given_slow))


class _Losses(torch.nn.Module):
    def __init__(self, model: LinearChainCRF) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.model.losses(*inputs)


def test_both_ways_of_summing_agree() -> None:
    model, s, lengths = crf(), scores(3, 5, TAGS), torch.tensor([5, 3, 1])
    by_products = model._forward_by_products(s, lengths)[0]
    torch.testing.assert_close(by_products, model._forward_by_terms(s, lengths))


def test_scores_far_apart_lose_nothing_in_float32() -> None:
    """The best sequence passes a tag that is e^-300 of the others on its way."""
    model = LinearChainCRF(2)
    model.slow.data = torch.tensor([[0.0, -300.0], [0.0, 0.0]])
    s = torch.tensor([[[0.0, -300.0], [0.0, 0.0], [0.0, 900.0]]], requires_grad=True)
    partition = model.log_partition(s)
    assert partition.item() == pytest.approx(600.0 + torch.log(torch.tensor(3.0)).item())
    partition.sum().backward()
    assert s.grad is not None
    assert s.grad[0, 2].tolist() == pytest.approx([0.0, 1.0])
    assert torch.isfinite(model.slow.grad).all()


def test_what_is_left_out_of_the_search_cannot_win() -> None:
    """Many tags, few candidates: the same best score as with a search among all."""
    model, s = crf(0.5, tags=40), scores(3, 9, 40, deviation=4.0)
    found = model.score(s, model.decode(s))
    best = s[:, 0]
    for place in range(1, 9):
        best = (best[:, :, None] + model.transitions).amax(1) + s[:, place]
    torch.testing.assert_close(found, best.amax(1))


def test_transitions_learn_faster_by_the_factor() -> None:
    moved = []
    for speed in (1.0, 100.0):
        model = crf(speed=speed)
        before = model.transitions.detach().clone()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-12)
        model.losses(scores(2, 4, TAGS), torch.ones(2, 4, dtype=torch.int64)).sum().backward()
        optimizer.step()
        moved.append(model.transitions.detach() - before)
    torch.testing.assert_close(moved[1], 100 * moved[0], rtol=1e-6, atol=0.0)


def test_it_learns_which_tag_follows_which() -> None:
    torch.manual_seed(0)
    model, tags = LinearChainCRF(TAGS, speed=100.0), torch.tensor([[0, 1, 2, 0, 1, 2]])
    s = torch.zeros(1, 6, TAGS)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(50):
        optimizer.zero_grad()
        model.losses(s, tags).sum().backward()
        optimizer.step()
    assert model.decode(s, first=1)[0].tolist() == [1, 2, 0, 1, 2, 0]


def test_bfloat16_scores_are_summed_in_float32() -> None:
    model, s = crf().float(), scores(2, 4, TAGS).bfloat16()
    found = model.losses(s, torch.zeros(2, 4, dtype=torch.int64))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, model.losses(s.float(), torch.zeros(2, 4, dtype=torch.int64)))
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(
            model.losses(s, torch.zeros(2, 4, dtype=torch.int64)), found, rtol=0, atol=0
        )
