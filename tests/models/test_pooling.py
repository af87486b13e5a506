import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wenlu.errors import ConfigError
from wenlu.models import POOLINGS
from wenlu.models.pooling import pooling_named
from wenlu.nn import real_tokens


@settings(deadline=None)
@given(
    name=st.sampled_from(list(POOLINGS)),
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    seed=st.integers(0, 2**32),
)
def test_padding_is_not_pooled(name: str, lengths: list[int], seed: int) -> None:
    torch.manual_seed(seed)
    states = torch.randn(len(lengths), 6, 3, dtype=torch.float64)
    real = real_tokens(torch.tensor(lengths), 6)
    pool = pooling_named(name)
    pooled = pool(states, real)
    assert torch.equal(pooled, pool(torch.where(real[..., None], states, 1e6), real))
    for row, length in enumerate(lengths):
        alone = pool(states[row : row + 1, :length], None)
        torch.testing.assert_close(pooled[row], alone[0], rtol=1e-12, atol=1e-12)


def test_known_values() -> None:
    states = torch.tensor([[[1.0, -8.0], [3.0, -2.0], [100.0, 100.0]]])
    real = torch.tensor([[True, True, False]])
    expected = {
        "first": [1.0, -8.0],
        "pooler": [1.0, -8.0],
        "mean": [2.0, -5.0],
        "max": [3.0, -2.0],
        "last": [3.0, -2.0],
    }
    assert {name: pooling_named(name)(states, real)[0].tolist() for name in POOLINGS} == expected


@pytest.mark.parametrize("name", POOLINGS)
def test_gradients_flow_to_real_tokens_alone(name: str) -> None:
    states = torch.randn(2, 4, 3, requires_grad=True)
    real = real_tokens(torch.tensor([4, 2]), 4)
    pooling_named(name)(states, real).sum().backward()
    assert states.grad is not None
    assert states.grad.isfinite().all()
    assert not states.grad[~real].any()
    assert torch.equal(states.grad.sum(1), torch.ones(2, 3))


def test_an_unknown_name_lists_the_closest() -> None:
    with pytest.raises(ConfigError, match="no pooling 'avg'; the closest are "):
        pooling_named("avg")
    with pytest.raises(ConfigError, match="no pooling 'maen'; the closest are mean"):
        pooling_named("maen")


def test_each_says_what_it_is() -> None:
    assert all(summary for _, summary in POOLINGS.values())
