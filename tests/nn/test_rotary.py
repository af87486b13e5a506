import pytest
import torch
from torch import Tensor, nn

from wenlu.errors import ConfigError
from wenlu.nn import Attention, Causal, Mask, Places, RotaryPosition, dot_product, rotate
from wenlu.nn.places import in_order


def frequencies(size: int) -> Tensor:
    return 10_000.0 ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)


def at(x: Tensor, position: int) -> Tensor:
    """A vector turned as at that position."""
    places = torch.tensor([[position]])
    return rotate(x[None, None, None], places, frequencies(len(x)))[0, 0, 0]


def attend(
    rotary: RotaryPosition,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Mask | None,
    places: Places,
    scale: float,
) -> Tensor:
    (pass_,) = rotary.passes(query, rotary.keys(key, places.key), mask, places)
    return dot_product(pass_.query, pass_.key, value, pass_.mask, places=places, scale=scale)


def test_known_values() -> None:
    turned = at(torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64), 1)
    expected = torch.tensor([-1.142640, 1.922076, 2.959851, 4.029800], dtype=torch.float64)
    torch.testing.assert_close(turned, expected, rtol=0, atol=5e-7)
    assert RotaryPosition(8).frequencies.tolist() == pytest.approx([1, 0.1, 0.01, 0.001])
    assert RotaryPosition(4, base=100.0).frequencies.tolist() == pytest.approx([1, 0.1])


def test_pairs_are_complex_numbers_on_a_circle() -> None:
    x = torch.randn(2, 3, 7, 8, dtype=torch.float64)
    positions = torch.randint(100, (2, 7))
    angle = positions[:, None, :, None] * frequencies(8)
    turned = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous()) * torch.exp(1j * angle)
    torch.testing.assert_close(
        rotate(x, positions, frequencies(8)), torch.view_as_real(turned).flatten(-2)
    )


def test_scores_know_only_the_distance() -> None:
    query, key = torch.randn(2, 64, dtype=torch.float64)
    near, far = (at(query, m) @ at(key, n) for m, n in ((7, 3), (1004, 1000)))
    torch.testing.assert_close(near, far, rtol=0, atol=1e-12)
    torch.testing.assert_close(near, at(query, 4) @ key, rtol=0, atol=1e-12)
    assert abs(float(near - at(query, 8) @ at(key, 3))) > 1e-3


def test_the_half_split_layout_is_a_permutation_of_ours() -> None:
    x = torch.randn(8, dtype=torch.float64)
    evens_then_odds = torch.tensor([0, 2, 4, 6, 1, 3, 5, 7])
    split = x[evens_then_odds]
    angle = (5 * frequencies(8)).repeat(2)
    turned = split * angle.cos() + torch.cat([-split[4:], split[:4]]) * angle.sin()  # as in Llama
    torch.testing.assert_close(at(x, 5)[evens_then_odds], turned)


def test_angles_stay_exact_far_away() -> None:
    """In float32 the angle at a million would be off by more than a hundredth."""
    x = torch.randn(16)
    torch.testing.assert_close(at(x, 10**6), at(x.double(), 10**6).float(), rtol=0, atol=1e-6)


def test_values_are_not_turned() -> None:
    rotary, value = RotaryPosition(4), torch.randn(1, 1, 6, 3)
    nothing = torch.zeros(1, 1, 6, 4)
    mixed = attend(rotary, nothing, nothing, value, None, in_order(6), 1.0)
    torch.testing.assert_close(mixed, value.mean(2, keepdim=True).expand_as(value))


def test_frequencies_are_stored_and_the_stored_ones_count() -> None:
    attention = Attention(8, 2, position=RotaryPosition(4)).double()
    assert "position.frequencies" in attention.state_dict()
    assert not [name for name, _ in attention.named_parameters() if "frequencies" in name]
    x = torch.randn(1, 6, 8, dtype=torch.float64)
    before = attention(x, x, None, in_order(6))
    state = attention.state_dict()
    state["position.frequencies"] = torch.zeros(2)
    attention.load_state_dict(state)
    after = attention(x, x, None, in_order(6))
    assert not torch.allclose(before, after)
    still = Attention(8, 2).double()
    still.load_state_dict({k: v for k, v in state.items() if "frequencies" not in k})
    torch.testing.assert_close(after, still(x, x, None, in_order(6)))


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_a_model_in_half_precision_keeps_its_frequencies(kind: torch.dtype) -> None:
    exact = RotaryPosition(64).frequencies
    model = nn.Sequential(Attention(64, 1, position=RotaryPosition(64)))
    model.to(kind)
    rotary = model[0].position
    assert torch.equal(rotary.frequencies, exact)
    assert model[0].query.weight.dtype == kind
    x = torch.randn(1, 600, 64, dtype=kind)
    assert model[0](x, x, None, in_order(600)).dtype == kind
    assert rotary.double().frequencies.dtype == torch.float64
    assert rotary.to("meta").frequencies.is_meta


def test_an_odd_width_is_refused() -> None:
    with pytest.raises(ConfigError, match="key_size 5 is odd"):
        RotaryPosition(5)


def test_gradients() -> None:
    rotary = RotaryPosition(4).double()
    given = [torch.randn(2, 2, 5, 4, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    places = Places(torch.tensor([[0, 1, 2, 0, 1]]), torch.tensor([[0, 1, 2, 0, 1]]))

    def causal(*parts: Tensor) -> Tensor:
        return attend(rotary, *parts, Causal(), places, 0.5)

    assert torch.autograd.gradcheck(causal, given)
