import pytest
import torch
from torch import nn

from wenlu.nn import initialise, initialise_by_inputs


def test_what_comes_out_varies_as_what_goes_in() -> None:
    torch.manual_seed(0)
    linear = nn.Linear(300, 400)
    initialise_by_inputs(linear)
    for deviation in (0.5, 3.0):
        out = linear(deviation * torch.randn(200, 300))
        assert out.std().item() == pytest.approx(deviation, rel=0.02)
    assert not linear.bias.any()


def test_a_cut_normal() -> None:
    torch.manual_seed(0)
    linear = nn.Linear(300, 400)
    initialise(linear, 0.02)
    assert linear.weight.abs().max() <= 0.04
    assert linear.weight.std().item() == pytest.approx(0.0176, rel=0.02)
    assert not linear.bias.any()
