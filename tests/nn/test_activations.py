import math

import pytest
import torch

from wenlu.errors import ConfigError
from wenlu.nn.activations import ACTIVATIONS, Activation, gelu_tanh, squared_relu


def activation(name: str) -> Activation:
    return ACTIVATIONS.from_value(name).build()


def at(name: str, x: float) -> float:
    return float(activation(name)(torch.tensor(x, dtype=torch.float64)))


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("gelu", 1, 0.8413447461),
        ("gelu", -1, -0.1586552539),
        ("gelu", 2, 1.9544997361),
        ("gelu", -0.7517915, -0.1699712075),
        ("gelu_tanh", 1, 0.8411919906),
        ("relu", -1, 0.0),
        ("relu", 2, 2.0),
        ("squared_relu", 3, 9.0),
        ("squared_relu", -3, 0.0),
        ("silu", 1, 1 / (1 + math.exp(-1))),
        ("tanh", 1, math.tanh(1)),
    ],
)
def test_known_values(name: str, x: float, expected: float) -> None:
    assert at(name, x) == pytest.approx(expected, abs=5e-11)


def test_gelu_is_x_times_the_normal_distribution() -> None:
    x = torch.linspace(-6, 6, 1001, dtype=torch.float64)
    expected = x / 2 * (1 + torch.erf(x / math.sqrt(2)))
    torch.testing.assert_close(activation("gelu")(x), expected, rtol=1e-12, atol=1e-15)


def test_the_tanh_form_is_as_far_from_gelu_as_it_should_be() -> None:
    x = torch.linspace(0, 8, 80_001, dtype=torch.float64)
    difference = (gelu_tanh(x) - activation("gelu")(x)).abs()
    assert float(difference.max()) == pytest.approx(4.7324e-4, abs=5e-9)
    assert float(x[difference.argmax()]) == pytest.approx(2.699, abs=1e-3)
    expected = x / 2 * (1 + (math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)).tanh())
    torch.testing.assert_close(gelu_tanh(x), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS.parts)
def test_gradients(name: str) -> None:
    x = torch.tensor([-2.0, -0.3, 0.2, 1.7], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(activation(name), [x])


def test_squared_relu_has_a_derivative_at_zero() -> None:
    x = torch.zeros(1, requires_grad=True)
    squared_relu(x).backward()
    assert x.grad == 0


def test_an_unknown_name_lists_the_closest() -> None:
    with pytest.raises(ConfigError, match=r"no activation 'gelu_tan'; the closest are gelu_tanh"):
        activation("gelu_tan")
