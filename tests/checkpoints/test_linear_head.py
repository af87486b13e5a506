import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from wenlu.checkpoints.linear_head import CURVES, bend_back, straighten
from wenlu.nn.activations import ACTIVATIONS


def norm(width: int, scale: float = 1.0) -> dict[str, Tensor]:
    return {"weight": torch.full((width,), scale), "bias": torch.zeros(width)}


@pytest.mark.parametrize("activation", CURVES)
@given(scale=st.floats(0.01, 100.0), seed=st.integers(0, 1000))
@settings(max_examples=8, deadline=None)
def test_two_layers_compute_what_one_does(activation: str, scale: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    width = 64
    weight = torch.randn(5, width, generator=generator)
    states = F.layer_norm(torch.randn(20, width, generator=generator).exp(), (width,)) * scale
    two = straighten(weight, activation, norm(width, scale))
    assert two is not None
    dense, classifier = two
    logits = ACTIVATIONS.from_value(activation).build()(states @ dense.T) @ classifier.T
    exact = states.double() @ weight.double().T
    size = states.abs().double() @ weight.abs().double().T
    assert ((logits - exact).abs() <= 4e-7 * size).all()
    again = bend_back(dense, torch.zeros(width), classifier, activation)
    assert again is not None
    assert torch.equal(again, weight)


def test_activations_that_are_bent_at_0_cannot() -> None:
    assert straighten(torch.ones(2, 4), "relu", norm(4)) is None
    assert bend_back(torch.eye(4) / 512, torch.zeros(4), torch.ones(2, 4), "relu") is None


def test_numbers_that_would_be_rounded_cannot() -> None:
    assert straighten(torch.full((2, 4), 1e38), "gelu", norm(4)) is None
    assert straighten(torch.full((2, 4), float("nan")), "tanh", norm(4)) is None
    assert straighten(torch.ones(2, 4), "tanh", norm(4, float("inf"))) is None


@pytest.mark.parametrize(
    ("dense", "bias"),
    [
        (torch.eye(4), torch.zeros(4)),  # a curve, not a line
        (torch.eye(4) / 1000, torch.zeros(4)),  # no power of two
        (torch.eye(4) / 1024, torch.ones(4)),
        (torch.eye(4) / 1024 + 1e-9, torch.zeros(4)),
        (torch.zeros(4, 4), torch.zeros(4)),
        (-torch.eye(4) / 1024, torch.zeros(4)),
        (torch.ones(4, 3) / 1024, torch.zeros(4)),
    ],
)
def test_ordinary_weights_are_left_alone(dense: Tensor, bias: Tensor) -> None:
    assert bend_back(dense, bias, torch.ones(2, 4), "tanh") is None
