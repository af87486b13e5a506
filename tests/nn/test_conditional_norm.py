import pytest
import torch
from torch import nn

from wenlu.errors import ConfigError
from wenlu.nn import Padding, PostNorm, PreNorm, Transformer, TransformerConfig, real_tokens
from wenlu.nn.conditional_norm import ConditionalLayerNorm

SIZES = {"vocabulary": 29, "width": 16, "layers": 2, "heads": 2, "inner_width": 32}


def trained_norm() -> nn.LayerNorm:
    norm = nn.LayerNorm(8, eps=1e-12)
    with torch.no_grad():
        norm.weight.normal_()
        norm.bias.normal_()
    return norm


def test_it_begins_as_the_norm_whose_place_it_takes() -> None:
    norm = trained_norm()
    conditional, x = ConditionalLayerNorm(norm, 5), torch.randn(3, 7, 8)
    torch.testing.assert_close(conditional(x, 100 * torch.randn(3, 5)), norm(x))


def test_it_learns_on_its_own() -> None:
    norm = trained_norm()
    conditional = ConditionalLayerNorm(norm, 5)
    conditional(torch.randn(3, 7, 8), torch.randn(3, 5)).square().sum().backward()
    assert norm.weight.grad is None
    assert all(p.grad.abs().sum() > 0 for p in conditional.parameters())


def test_each_row_has_the_gain_and_bias_of_its_condition() -> None:
    """Against the formula, a row at a time."""
    norm = trained_norm().double()
    conditional = ConditionalLayerNorm(norm, 5).double()
    nn.init.normal_(conditional.gain.weight)
    nn.init.normal_(conditional.shift.weight)
    x, condition = torch.randn(3, 7, 8).double(), torch.randn(3, 5).double()
    found = conditional(x, condition)
    for row in range(3):
        centred = x[row] - x[row].mean(-1, keepdim=True)
        normal = centred / (x[row].var(-1, correction=0, keepdim=True) + 1e-12).sqrt()
        gain = norm.weight + conditional.gain.weight @ condition[row]
        shift = norm.bias + conditional.shift.weight @ condition[row]
        torch.testing.assert_close(found[row], normal * gain + shift)


@pytest.mark.parametrize(
    "shape",
    [
        {"block": PostNorm()},
        {"block": PostNorm(), "share_layers": True},
        {"block": PostNorm(), "final_norm": True},
        {"block": PreNorm(), "final_norm": True},
        {"block": PreNorm(), "final_norm": True, "causal": True},
    ],
)
def test_the_seam_in_the_transformer(shape: dict[str, object]) -> None:
    """The last norm of the residual sum is the encoder's output, whatever the order of norms."""
    encoder = Transformer(TransformerConfig(**SIZES, **shape)).eval()
    with torch.no_grad():
        encoder.last_norm.weight.normal_()
        encoder.last_norm.bias.normal_()
    ids, mask = torch.randint(29, (2, 9)), Padding(real_tokens(torch.tensor([9, 6]), 9))
    entering, states = encoder.residual(ids, None, mask), encoder(ids, None, mask)
    torch.testing.assert_close(encoder.last_norm(entering), states, rtol=0, atol=0)
    conditional = ConditionalLayerNorm(encoder.last_norm, 4)
    torch.testing.assert_close(conditional(entering, torch.randn(2, 4)), states)


def test_a_model_without_a_last_norm() -> None:
    encoder = Transformer(TransformerConfig(**SIZES, block=PreNorm()))
    with pytest.raises(ConfigError, match="it has no last norm; use one with final_norm=True"):
        _ = encoder.last_norm
