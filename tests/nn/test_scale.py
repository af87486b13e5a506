import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from wenlu.errors import ConfigError
from wenlu.nn import (
    AttentionShape,
    Causal,
    EntropyInvariant,
    InverseRoot,
    Mask,
    Padding,
    Prefix,
    Rotary,
    Transformer,
    TransformerConfig,
    Window,
    real_tokens,
)
from wenlu.nn.places import in_order

Randomise = Callable[[nn.Module], nn.Module]
SHAPE = AttentionShape(width=32, heads=2, key_size=16, head_size=16, max_length=64)
CONFIG = TransformerConfig(
    vocabulary=13,
    width=8,
    layers=2,
    heads=2,
    inner_width=16,
    position=Rotary(),
    scale=EntropyInvariant(least=2),
)


def factors(mask: Mask | None, length: int) -> list[list[float]]:
    """What scores are multiplied by beside 1/√16, for each text and query."""
    scale = EntropyInvariant().build(SHAPE)(mask, in_order(length))
    return (4 * torch.as_tensor(scale, dtype=torch.float64)).view(-1, 1).tolist()


@pytest.mark.parametrize(
    ("seen", "factor"), [(1, 4 / 9), (16, 4 / 9), (64, 2 / 3), (512, 1), (1024, 10 / 9)]
)
def test_known_values(seen: int, factor: float) -> None:
    assert factors(None, seen) == [[pytest.approx(factor, rel=1e-12)]]
    whole = Padding(torch.ones(1, seen, dtype=torch.bool))
    assert factors(whole, seen) == [[pytest.approx(factor, rel=1e-12)]]
    assert InverseRoot().build(SHAPE)(whole, in_order(seen)) == 1 / 4


def test_it_goes_by_what_each_query_sees() -> None:
    def expected(counts: list[int]) -> list[list[float]]:
        return [[pytest.approx(math.log(max(n, 16)) / math.log(512))] for n in counts]

    real = real_tokens(torch.tensor([40, 20]), 40)
    assert factors(Padding(real), 40) == expected([40, 20])
    assert factors(Causal(), 40) == expected(list(range(1, 41)))
    assert factors(Causal() & Window(30), 40) == expected([min(i + 1, 30) for i in range(40)])
    segments = torch.tensor([[0] * 25 + [1] * 15])
    assert factors(Prefix(segments), 40) == expected([25] * 25 + list(range(26, 41)))


@pytest.mark.parametrize("causal", [False, True])
def test_padding_is_not_counted(causal: bool, randomised: Randomise) -> None:
    model = randomised(Transformer(replace(CONFIG, causal=causal)))
    ids, real = torch.randint(13, (2, 11)), real_tokens(torch.tensor([5, 11]), 11)
    padded = model(ids, None, Padding(real))
    torch.testing.assert_close(padded[0, :5], model(ids[:1, :5])[0], rtol=1e-12, atol=1e-12)
    plain = Transformer(replace(CONFIG, causal=causal, scale=InverseRoot())).double().eval()
    plain.load_state_dict(model.state_dict())
    assert not torch.allclose(plain(ids, None, Padding(real)), padded)


def test_decoding_scales_as_one_pass_does(randomised: Randomise) -> None:
    model = randomised(Transformer(replace(CONFIG, causal=True)))
    ids, cache = torch.randint(13, (2, 9)), model.new_cache()
    with torch.no_grad():
        parts = [model(chunk, cache=cache) for chunk in ids.split([4, 1, 3, 1], 1)]
        torch.testing.assert_close(torch.cat(parts, 1), model(ids), rtol=1e-12, atol=1e-12)


def test_a_factor_is_not_rounded_in_half_precision() -> None:
    model = Transformer(replace(CONFIG, causal=True, scale=EntropyInvariant())).eval()
    ids = torch.randint(13, (1, 40))
    half = model.bfloat16()(ids)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), model.float()(ids), rtol=0.1, atol=0.1)


def test_numbers_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match="usual and least must be at least 2; got 1, 16"):
        EntropyInvariant(usual=1)
