import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from wenlu.errors import ConfigError
from wenlu.nn import Attention, Causal, Pass, Places, RotaryPosition, dot_product_form
from wenlu.nn.explicit import scores
from wenlu.nn.places import in_order

Randomise = Callable[[nn.Module], nn.Module]


def test_it_is_torchs_multi_head_attention(randomised: Randomise) -> None:
    ours = randomised(Attention(12, 3))
    theirs = nn.MultiheadAttention(12, 3, batch_first=True).double().eval()
    projections = (ours.query, ours.key, ours.value)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([part.weight for part in projections]))
        theirs.in_proj_bias.copy_(torch.cat([part.bias for part in projections]))
    theirs.out_proj.load_state_dict(ours.output.state_dict())
    x, memory = torch.randn(2, 4, 12).double(), torch.randn(2, 7, 12).double()
    places = Places(torch.arange(4)[None], torch.arange(7)[None])
    expected, _ = theirs(x, memory, memory, need_weights=False)
    torch.testing.assert_close(ours(x, memory, None, places), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("key_size", "head_size", "count"),
    [(64, None, 2_362_368), (128, 64, 3_543_552), (128, None, 3_543_552)],
)
def test_parameters(key_size: int, head_size: int | None, count: int) -> None:
    with torch.device("meta"):
        attention = Attention(768, 12, head_size=head_size, key_size=key_size)
    assert sum(parameter.numel() for parameter in attention.parameters()) == count


@settings(deadline=None, max_examples=30)
@given(heads=st.integers(1, 3), head_size=st.integers(1, 5), key_size=st.integers(1, 9))
def test_the_output_has_the_models_width_whatever_the_heads_have(
    heads: int, head_size: int, key_size: int
) -> None:
    attention = Attention(7, heads, head_size=head_size, key_size=key_size)
    x = torch.randn(2, 5, 7)
    assert attention(x, x, Causal(), in_order(5)).shape == x.shape
    assert attention.key.weight.shape == (heads * key_size, 7)
    assert attention.value.weight.shape == (heads * head_size, 7)


def test_the_key_size_bounds_the_rank_of_the_scores_and_sets_their_scale(
    randomised: Randomise,
) -> None:
    met: dict[str, Any] = {}

    def look(x: Tensor, pass_: Pass, value: Tensor, **options: Any) -> Any:  # noqa: ANN401
        met["scores"], met["scale"] = scores(pass_.query, pass_.key, 1.0), options["scale"]
        return dot_product_form(x, pass_, value, **options)

    attention = randomised(Attention(32, 2, key_size=4, form=look))
    x = torch.randn(1, 50, 32).double()
    attention(x, x, None, in_order(50))
    assert met["scale"] == 1 / math.sqrt(4)
    assert [int(torch.linalg.matrix_rank(one)) for one in met["scores"][0]] == [4, 4]


def test_a_form_is_handed_what_it_needs_and_used() -> None:
    """A form of our own: each query takes the first value that it may see."""

    def first_seen(
        x: Tensor, pass_: Pass, value: Tensor, *, scale: float, dropout: float, lse: bool
    ) -> tuple[Tensor, None]:
        assert x.shape == (1, 5, 8)
        assert pass_.query.shape == pass_.key.shape == (1, 2, 5, 4)
        assert (scale, dropout, lse) == (0.5, 0.0, False)
        seen = pass_.allowed().long().argmax(-1)  # (b h q)
        return value.gather(2, seen[..., None].expand_as(value)), None

    attention = Attention(8, 2, form=first_seen, dropout=0.3).eval()
    x = torch.randn(1, 5, 8)
    found = attention(x, x, Causal(), in_order(5))
    expected = attention.output(attention.value(x[:, :1])).expand_as(x)
    torch.testing.assert_close(found, expected)


def test_a_position_that_turns_queries_needs_a_form_that_has_them() -> None:
    with pytest.raises(ConfigError, match="RotaryPosition acts on queries and keys, but this att"):
        Attention(8, 2, position=RotaryPosition(4), queries=False)
    attention = Attention(8, 2, queries=False)
    assert (attention.query, attention.key) == (None, None)
    x = torch.randn(1, 5, 8)
    with pytest.raises(ConfigError, match="dot-product attention needs queries and keys"):
        attention(x, x, None, in_order(5))


def test_weights_are_dropped_in_training_only() -> None:
    attention = Attention(8, 2, dropout=0.5)
    x = torch.randn(1, 6, 8)
    first, second = (attention(x, x, None, in_order(6)) for _ in range(2))
    assert not torch.allclose(first, second)
    attention.eval()
    first, second = (attention(x, x, None, in_order(6)) for _ in range(2))
    assert torch.equal(first, second)


def test_heads_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="width 10 cannot be shared evenly among 3 heads"):
        Attention(10, 3)
    Attention(10, 3, head_size=4)


def test_gradients(randomised: Randomise) -> None:
    attention = randomised(Attention(8, 2, key_size=3))
    x = torch.randn(2, 5, 8, dtype=torch.float64, requires_grad=True)

    def attend(x: Tensor) -> Tensor:
        return attention(x, x, Causal(), in_order(5))

    assert torch.autograd.gradcheck(attend, [x])
