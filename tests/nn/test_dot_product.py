import math
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from wenlu.nn import (
    Causal,
    Mask,
    Padding,
    Places,
    dot_product,
    dot_product_with_lse,
    merge,
    real_tokens,
)
from wenlu.nn.explicit import attention_weights, log_sum_exp, scores
from wenlu.nn.masks import Both
from wenlu.nn.places import in_order

NEXT_TO_NOTHING = 1e-9
"""A rate of dropout that takes the path through all scores and drops nothing."""


class Inputs(NamedTuple):
    """Query, key and value, and who may look at whom."""

    query: Tensor
    key: Tensor
    value: Tensor
    allowed: Tensor
    places: Places

    def of(self, kind: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
        return self.query.to(kind), self.key.to(kind), self.value.to(kind)


@st.composite
def inputs(draw: st.DrawFn) -> Inputs:
    batch, heads, queries, keys, key_size, head_size = (draw(st.integers(1, 4)) for _ in range(6))
    random = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    rows = draw(st.sampled_from([1, batch]))
    share = draw(st.sampled_from([0.0, 0.3, 0.7, 1.0]))
    allowed = torch.rand(rows, 1, queries, keys, generator=random) < share
    key = torch.arange(keys)[None]
    return Inputs(
        normal(batch, heads, queries, key_size),
        normal(batch, heads, keys, key_size),
        normal(batch, heads, keys, head_size),
        allowed,
        Places(torch.arange(queries)[None], key),
    )


def naive(given: Inputs, scale: float) -> Tensor:
    """Attention by the book, one query at a time."""
    batch, heads, queries, _ = given.query.shape
    mixed = given.value.new_zeros(batch, heads, queries, given.value.shape[-1])
    allowed = given.allowed.expand(batch, -1, -1, -1)
    for b in range(batch):
        for h in range(heads):
            for q in range(queries):
                seen = allowed[b, 0, q].nonzero().flatten().tolist()
                score = {k: scale * float(given.query[b, h, q] @ given.key[b, h, k]) for k in seen}
                total = sum(math.exp(value) for value in score.values())
                for k in seen:
                    mixed[b, h, q] += math.exp(score[k]) / total * given.value[b, h, k]
    return mixed


@settings(deadline=None, max_examples=50)
@given(given=inputs(), scale=st.floats(0.1, 2.0))
def test_fused_and_explicit_attention_are_attention_by_the_book(
    table: Callable[[Tensor], Mask], given: Inputs, scale: float
) -> None:
    expected = naive(given, scale)
    mask = table(given.allowed)
    for kind, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
        query, key, value = given.of(kind)
        found = {
            "fused": dot_product(query, key, value, mask, places=given.places, scale=scale),
            "explicit": attention_weights(scores(query, key, scale), given.allowed) @ value,
            "with dropout": dot_product(
                query,
                key,
                value,
                mask,
                places=given.places,
                scale=scale,
                dropout=NEXT_TO_NOTHING,
            ),
            "with lse": dot_product_with_lse(
                query, key, value, mask, places=given.places, scale=scale
            )[0],
        }
        for name, mixed in found.items():
            assert mixed.dtype == kind, name
            torch.testing.assert_close(
                mixed.double(), expected, rtol=tolerance, atol=tolerance, msg=name
            )


@settings(deadline=None, max_examples=50)
@given(given=inputs())
def test_no_mask_is_a_mask_that_allows_all(table: Callable[[Tensor], Mask], given: Inputs) -> None:
    mask = table(torch.ones_like(given.allowed))
    for dropout in (0.0, NEXT_TO_NOTHING):
        options = {"places": given.places, "scale": 0.5, "dropout": dropout}
        with_mask = dot_product(*given.of(torch.float64), mask, **options)
        without = dot_product(*given.of(torch.float64), None, **options)
        torch.testing.assert_close(with_mask, without, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("path", ["fused", "with dropout", "with lse"])
def test_a_query_that_sees_nothing_gives_zeros_and_finite_gradients(path: str) -> None:
    query, key, value = (torch.randn(2, 2, 4, 8, requires_grad=True) for _ in range(3))
    real = torch.tensor([[True, True, False, True], [False] * 4])
    places = in_order(4)
    if path == "with lse":
        mixed, lse = dot_product_with_lse(
            query, key, value, Padding(real), places=places, scale=1.0
        )
        assert torch.equal(lse[1], torch.full_like(lse[1], -torch.inf))
        other, other_lse = dot_product_with_lse(
            query, key, value, Padding(real), places=places, scale=1.0
        )
        mixed, _ = merge(mixed, lse, other, other_lse)
    else:
        rate = NEXT_TO_NOTHING if path == "with dropout" else 0.0
        mixed = dot_product(
            query, key, value, Padding(real), places=places, scale=1.0, dropout=rate
        )
    assert torch.equal(mixed[1], torch.zeros_like(mixed[1]))
    assert mixed[0].abs().min() > 0
    mixed.square().sum().backward()
    for name, tensor in {"query": query, "key": key, "value": value}.items():
        assert tensor.grad is not None
        assert tensor.grad.isfinite().all(), name
        assert torch.equal(tensor.grad[1], torch.zeros_like(tensor.grad[1])), name
        assert tensor.grad[0].abs().sum() > 0, name


@settings(deadline=None, max_examples=50)
@given(
    given=inputs(),
    choice=st.lists(st.integers(0, 3), min_size=4, max_size=4),
    order=st.permutations(range(4)),
)
def test_passes_over_parts_of_the_keys_merge_into_one_softmax(
    table: Callable[[Tensor], Mask], given: Inputs, choice: list[int], order: list[int]
) -> None:
    """A part that no query may see is among them whenever `choice` leaves out a number."""
    part_of_key = torch.tensor(choice)[: given.key.shape[2]]
    passes = [
        dot_product_with_lse(
            *given.of(torch.float64),
            table(given.allowed & (part_of_key == part)),
            places=given.places,
            scale=0.7,
        )
        for part in order
    ]
    mixed, lse = passes[0]
    for other, other_lse in passes[1:]:
        mixed, lse = merge(mixed, lse, other, other_lse)
    whole, whole_lse = dot_product_with_lse(
        *given.of(torch.float64), table(given.allowed), places=given.places, scale=0.7
    )
    torch.testing.assert_close(mixed, whole, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(lse, whole_lse, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(mixed, naive(given, 0.7), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float16])
def test_weights_add_up_to_one_however_coarse_the_scores(kind: torch.dtype) -> None:
    query = torch.full((1, 1, 1, 1), 64, dtype=kind)
    key = torch.tensor([128, -128, 128, 128], dtype=kind).view(1, 1, 4, 1)
    ones = torch.ones(1, 1, 4, 1, dtype=kind)
    left = real_tokens(torch.tensor([2]), 4)
    passes = [
        dot_product_with_lse(query, key, ones, mask, places=in_order(4), scale=1.0)
        for mask in (Padding(left), Padding(~left), None)
    ]
    assert [float(mixed) for mixed, _ in passes] == [1.0, 1.0, 1.0]
    assert [float(lse) for _, lse in passes] == pytest.approx(
        [8192, 8192 + math.log(2), 8192 + math.log(3)], rel=1e-7
    )
    mixed, lse = merge(*passes[0], *passes[1])
    assert (float(mixed), mixed.dtype) == (1.0, kind)
    assert float(lse) == pytest.approx(float(passes[2][1]))


def test_causal_goes_by_position_in_both_paths() -> None:
    """The fused kernel's own causal mask goes by order of arrival, and is not used here."""
    positions = torch.tensor([[0, 1, 0, 1, 2]])  # two texts in one row
    given = [torch.randn(1, 2, 5, 4) for _ in range(3)]
    places = Places(positions, positions)
    fused, explicit = (
        dot_product(*given, Causal(), places=places, scale=0.5, dropout=dropout)
        for dropout in (0.0, NEXT_TO_NOTHING)
    )
    torch.testing.assert_close(fused, explicit)
    in_turn = dot_product(*given, Causal(), places=in_order(5), scale=0.5)
    assert not torch.allclose(fused, in_turn)


def test_dropout_drops_weights_after_the_softmax() -> None:
    """With the identity as values, what comes out are the weights: 0, or scaled up."""
    query, key = torch.randn(1, 1, 64, 4), torch.randn(1, 1, 64, 4)
    identity = torch.eye(64)[None, None]
    options = {"places": in_order(64), "scale": 0.5}
    whole = dot_product(query, key, identity, Causal(), **options)
    dropped = dot_product(query, key, identity, Causal(), dropout=0.25, **options)
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], whole[kept] / 0.75)
    share = float(kept.sum() / (whole != 0).sum())
    assert share == pytest.approx(0.75, abs=0.04)


REAL = torch.tensor([[True] * 5, [True, False, True, True, False]])


@pytest.mark.parametrize("dropout", [0.0, NEXT_TO_NOTHING], ids=["fused", "explicit"])
@pytest.mark.parametrize("mask", [None, Causal() & Padding(REAL)], ids=["all", "masked"])
def test_gradients(mask: Mask | None, dropout: float) -> None:
    given = [torch.randn(2, 2, 5, 4, dtype=torch.float64, requires_grad=True) for _ in range(3)]

    def attend(*parts: Tensor) -> Tensor:
        return dot_product(*parts, mask, places=in_order(5), scale=0.5, dropout=dropout)

    assert torch.autograd.gradcheck(attend, given)


def test_gradients_of_merged_passes() -> None:
    given = [torch.randn(2, 1, 5, 4, dtype=torch.float64, requires_grad=True) for _ in range(3)]

    def attend(*parts: Tensor) -> Tensor:
        passes = [
            dot_product_with_lse(*parts, Padding(half), places=in_order(5), scale=0.5)
            for half in (REAL, ~REAL)
        ]
        return merge(*passes[0], *passes[1])[0]

    assert torch.autograd.gradcheck(attend, given)


@pytest.mark.parametrize("sizes", [(4, 4), (1, 9), (7, 3), (8, 8)])
@pytest.mark.parametrize(
    "mask", [None, Causal(), Causal() & Padding(REAL)], ids=lambda mask: type(mask).__name__
)
def test_the_log_sum_exp_has_its_gradient_too(mask: Mask | None, sizes: tuple[int, int]) -> None:
    """Where one or both are used."""
    key_size, head_size = sizes
    given = [
        torch.randn(2, 2, 5, size, dtype=torch.float64, requires_grad=True)
        for size in (key_size, key_size, head_size)
    ]
    allowed = None if mask is None else mask.dense(in_order(5))

    def fused(*parts: Tensor) -> tuple[Tensor, Tensor]:
        return dot_product_with_lse(*parts, mask, places=in_order(5), scale=0.7)

    def explicit(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        raw = scores(query, key, 0.7)
        return attention_weights(raw, allowed) @ value, log_sum_exp(raw, allowed)

    of_mixed, of_lse = torch.randn(2, 2, 5, head_size).double(), torch.randn(2, 2, 5).double()
    for used in ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1e-9, 1e3)):
        ours, theirs = (
            torch.autograd.grad(
                used[0] * (way(*given)[0] * of_mixed).sum()
                + used[1] * (way(*given)[1] * of_lse).sum(),
                given,
                allow_unused=True,
                materialize_grads=True,
            )
            for way in (fused, explicit)
        )
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)
    (only,) = torch.autograd.grad(fused(*given)[1].sum(), given[:1])
    (expected,) = torch.autograd.grad(explicit(*given)[1].sum(), given[:1])
    torch.testing.assert_close(only, expected, rtol=1e-10, atol=1e-10)


def test_second_derivatives_are_refused() -> None:
    given = [torch.randn(1, 1, 3, 4, requires_grad=True) for _ in range(3)]
    mixed, lse = dot_product_with_lse(*given, None, places=in_order(3), scale=1.0)
    first = torch.autograd.grad((mixed.square().sum() + lse.sum()), given, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first[0].sum().backward()


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_has_the_gradients_of_float32(kind: torch.dtype) -> None:
    given = [torch.randn(2, 2, 5, 8, requires_grad=True) for _ in range(3)]
    half = [x.detach().to(kind).requires_grad_() for x in given]
    found = []
    for parts in (given, half):
        mixed, lse = dot_product_with_lse(*parts, Padding(REAL), places=in_order(5), scale=0.5)
        assert (mixed.dtype, lse.dtype) == (parts[0].dtype, torch.float32)
        found.append(torch.autograd.grad(mixed.float().sum() + 2 * lse.sum(), parts))
    for ours, theirs in zip(found[1], found[0], strict=True):
        torch.testing.assert_close(ours.float(), theirs, rtol=0.05, atol=0.05)


def test_passes_with_dropout_merge_into_one_attention_with_dropout() -> None:
    """The weights that are left are scaled as those of the whole: values of 1 add up to about 1."""
    query, key = torch.randn(2, 2, 50, 8), torch.randn(2, 2, 400, 8)
    ones = torch.ones(2, 2, 400, 1)
    half = torch.arange(400)[None] < 150
    places = Places(torch.arange(50)[None], torch.arange(400)[None])
    passes = [
        dot_product_with_lse(query, key, ones, Padding(part), places=places, scale=0.1, dropout=0.5)
        for part in (half, ~half)
    ]
    mixed, lse = merge(*passes[0], *passes[1])
    assert float(mixed.std()) > 1e-3
    assert float(mixed.mean()) == pytest.approx(1.0, abs=0.01)
    torch.testing.assert_close(lse, scores(query, key, 0.1).logsumexp(-1))


class LargestTensor(TorchDispatchMode):
    """The number of elements of the largest tensor that any operation returns."""

    def __init__(self) -> None:
        super().__init__()
        self.largest = 0

    def __torch_dispatch__(
        self,
        function: Callable[..., Any],
        types: Any,  # noqa: ANN401
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        del types
        found = function(*args, **kwargs or {})
        stored = [
            x.untyped_storage().nbytes() // x.itemsize
            for x in tree_leaves(found)
            if isinstance(x, Tensor)
        ]
        self.largest = max([self.largest, *stored])
        return found


@pytest.mark.parametrize("mask", [None, Causal(), Padding(torch.ones(1, 512, dtype=torch.bool))])
def test_no_matrix_of_all_scores_is_built_forwards_or_backwards(mask: Mask | None) -> None:
    given = [torch.randn(1, 2, 512, 8, requires_grad=True) for _ in range(3)]
    with LargestTensor() as met:
        mixed, lse = dot_product_with_lse(*given, mask, places=in_order(512), scale=0.3)
        (mixed.sum() + lse.sum()).backward()
    assert met.largest <= 2 * 512 * 16


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize(
    "mask", [None, Causal(), Causal() & Padding(REAL)], ids=lambda mask: type(mask).__name__
)
def test_a_gpu_finds_what_a_cpu_finds(mask: Mask | None) -> None:
    given = [torch.randn(2, 2, 5, size, requires_grad=True) for size in (7, 7, 3)]
    found = []
    for device in ("cpu", "cuda"):
        parts = [x.detach().to(device).requires_grad_() for x in given]
        if isinstance(mask, Both):
            mask = Causal() & Padding(REAL.to(device))
        places = in_order(5, device=torch.device(device))
        mixed, lse = dot_product_with_lse(*parts, mask, places=places, scale=0.7)
        gradients = torch.autograd.grad((mixed**2).sum() + (lse**2).sum(), parts)
        found.append([x.cpu() for x in (mixed, lse, *gradients)])
    torch.testing.assert_close(found[1], found[0], rtol=1e-3, atol=1e-3)
