import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from wenlu.errors import ConfigError
from wenlu.nn import Causal, Mask, Padding, Places, RelativePosition, dot_product_form
from wenlu.nn.places import in_order
from wenlu.nn.relative import sinusoids


def vector(distance: int, reach: int, width: int) -> Tensor:
    """The vector of a distance, from the paper's formula."""
    row = max(-reach, min(reach, distance)) + reach
    values = []
    for component in range(width):
        angle = row / 10_000 ** (2 * (component // 2) / width)
        values.append(math.cos(angle) if component % 2 else math.sin(angle))
    return torch.tensor(values).double()  # kept in float32


def naive(
    query: Tensor, key: Tensor, value: Tensor, allowed: Tensor, places: Places, *, reach: int
) -> Tensor:
    """As the paper has it, with a vector for every pair of query and key."""
    batch, _, queries, width = query.shape
    keys = key.shape[2]
    rows = []
    for b in range(batch):
        of_query = places.query[b % len(places.query)].tolist()
        of_key = places.key[b % len(places.key)].tolist()
        pairs = [[vector(k - q, reach, width) for k in of_key] for q in of_query]
        rows.append(torch.stack([torch.stack(row) for row in pairs]))
    relative = torch.stack(rows)  # (b q k d)
    score = torch.einsum("bhqd,bhqkd->bhqk", query, key[:, :, None] + relative[:, None])
    allowed = allowed.expand(batch, 1, queries, keys)
    weights = (score / math.sqrt(width)).masked_fill(~allowed, -1e300).softmax(-1)
    weights = weights.masked_fill(~allowed.any(-1, keepdim=True), 0.0)
    return torch.einsum("bhqk,bhqkd->bhqd", weights, value[:, :, None] + relative[:, None])


def attend(
    position: RelativePosition,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Mask | None,
    places: Places,
    scale: float,
) -> Tensor:
    (pass_,) = position.passes(query, position.keys(key, places.key), mask, places)
    nothing = query.new_empty(len(query), query.shape[2], 0)
    mixed, _ = dot_product_form(nothing, pass_, value, scale=scale, dropout=0.0, lse=False)
    return mixed


@settings(deadline=None, max_examples=30)
@given(
    queries=st.integers(1, 9),
    more_keys=st.integers(0, 4),
    reach=st.integers(1, 5),
    share=st.sampled_from([0.0, 0.5, 1.0]),
    seed=st.integers(0, 2**32),
)
def test_outputs_and_gradients_are_those_of_the_paper(
    table: Callable[[Tensor], Mask],
    queries: int,
    more_keys: int,
    reach: int,
    share: float,
    seed: int,
) -> None:
    torch.manual_seed(seed)
    keys, width = queries + more_keys, 6
    given = [
        torch.randn(2, 2, length, width, dtype=torch.float64, requires_grad=True)
        for length in (queries, keys, keys)
    ]
    key = torch.randint(20, (2, keys))
    places = Places(key[:, more_keys:], key, more_keys)
    allowed = torch.rand(2, 1, queries, keys) < share
    position = RelativePosition(width, reach).double()
    weights = torch.randn(2, 2, queries, width, dtype=torch.float64)
    expected = naive(*given, allowed, places, reach=reach)
    found = attend(position, *given, table(allowed), places, width**-0.5)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    theirs = torch.autograd.grad((expected * weights).sum(), given)
    ours = torch.autograd.grad((found * weights).sum(), given)
    torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-12)


def test_distances_beyond_the_reach_count_as_the_reach() -> None:
    position = RelativePosition(4, reach=3).double()
    query = torch.randn(1, 1, 1, 4, dtype=torch.float64)
    same = torch.randn(1, 1, 1, 4, dtype=torch.float64).expand(1, 1, 8, 4)
    identity = torch.eye(8, dtype=torch.float64)[None, None, :, :4]
    places = Places(torch.tensor([[0]]), torch.arange(8)[None])
    found = attend(position, query, same, identity, None, places, 1.0)
    shifted = Places(torch.tensor([[0]]), torch.tensor([[0, 1, 2, 3, 40, 500, 6000, 70_000]]))
    assert torch.equal(found, attend(position, query, same, identity, None, shifted, 1.0))


def test_the_table_starts_at_the_greatest_distance_behind() -> None:
    table = sinusoids(129, 64)
    assert table.shape == (129, 64)
    for distance in (-64, -1, 0, 1, 64):
        torch.testing.assert_close(table[distance + 64].double(), vector(distance, 64, 64))
    assert torch.equal(RelativePosition(64).table, table)
    position = RelativePosition(64)
    assert list(position.state_dict()) == ["table"]  # stored, and never trained
    assert not list(position.parameters())


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_the_table_is_never_rounded(kind: torch.dtype) -> None:
    position = RelativePosition(64).to(kind)
    assert torch.equal(position.table, sinusoids(129, 64))


def test_an_odd_width_is_refused() -> None:
    with pytest.raises(ConfigError, match="need an even width; got 7"):
        RelativePosition(7)


def test_gradients() -> None:
    position = RelativePosition(4, reach=2).double()
    given = [torch.randn(2, 2, 5, 4, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    real = torch.tensor([[True] * 5, [False, True, True, True, False]])

    def masked(*parts: Tensor) -> Tensor:
        return attend(position, *parts, Causal() & Padding(real), in_order(5), 0.5)

    assert torch.autograd.gradcheck(masked, given)
