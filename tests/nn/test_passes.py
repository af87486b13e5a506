"""Several passes, by a position that only the tests know: ReRoPE and Leaky ReRoPE.

Source: "Transformer upgrade road 12: ReRoPE for infinite extrapolation?".
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from wenlu.nn import (
    Attention,
    AttentionShape,
    Causal,
    EntropyInvariant,
    Mask,
    Padding,
    Pass,
    Places,
    Position,
    PositionPart,
    Rotary,
    RotaryPosition,
    Transformer,
    TransformerConfig,
    Window,
    real_tokens,
    rotate,
)
from wenlu.nn.passes import merge_passes
from wenlu.nn.places import in_order

Randomise = Callable[[nn.Module], nn.Module]


@dataclass(frozen=True)
class Leaky(PositionPart):
    """Distances beyond `window` grow by 1/slope only; not at all with slope 0."""

    window: int = 3
    slope: float = 0.0

    def build(self, shape: AttentionShape) -> Position:
        return LeakyPosition(shape.key_size, self.window, self.slope)


class LeakyPosition(Position):
    def __init__(self, key_size: int, window: int, slope: float) -> None:
        super().__init__()
        self.window, self.slope = window, slope
        self.frequencies = RotaryPosition(key_size).frequencies

    def keys(self, key: Tensor, positions: Tensor) -> dict[str, Tensor]:
        far = rotate(key, positions * self.slope, self.frequencies)
        return {"near": rotate(key, positions, self.frequencies), "far": far}

    def passes(
        self, query: Tensor, keys: Mapping[str, Tensor], mask: Mask | None, places: Places
    ) -> list[Pass]:
        near, where = Window(self.window), places.query
        turned = rotate(query, where, self.frequencies)
        passes = [Pass(turned, keys["near"], near & mask, places)]
        leaky = where * self.slope + self.window * (1 - self.slope)
        far = rotate(query, leaky, self.frequencies)
        count, total = query.shape[2] - self.window, keys["far"].shape[2]
        if type(mask) is Causal and places.counted and query.shape[2] == total:
            if count > 0:  # a causal attention, for which there are kernels
                rows, columns = slice(self.window, None), slice(0, count)
                part = far[:, :, rows], keys["far"][:, :, columns]
                passes.append(Pass(*part, Causal(), in_order(count), rows, columns))
            return passes
        return [*passes, Pass(far, keys["far"], ~near & mask, places)]


def naive(position: LeakyPosition, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """By the matrix of positions, with causal attention."""
    length, window = query.shape[2], position.window
    place = torch.arange(length, dtype=torch.float64)
    distance = place[:, None] - place
    leaky = torch.where(distance < window, distance, window + (distance - window) * position.slope)
    angle = leaky[..., None] * position.frequencies.double()
    even, odd = query[..., None, 0::2], query[..., None, 1::2]
    cos, sin = angle.cos(), angle.sin()
    pairs = torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1)
    scores = (pairs.flatten(-2) * key[:, :, None]).sum(-1) / math.sqrt(query.shape[3])
    return scores.masked_fill(distance < 0, -torch.inf).softmax(-1) @ value


def attend(position: LeakyPosition, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """One attention without projections."""
    heads, size = query.shape[1], query.shape[3]
    attention = Attention(heads * size, heads, position=position).double()
    for part in (attention.query, attention.key, attention.value, attention.output):
        nn.init.eye_(part.weight)
        nn.init.zeros_(part.bias)
    attention.query, attention.key = Fixed(query), Fixed(key)  # type: ignore[assignment]
    x = value.transpose(1, 2).flatten(2)
    mixed = attention(x, x, Causal(), in_order(query.shape[2]))
    return mixed.unflatten(-1, (heads, -1)).transpose(1, 2)


class Fixed(nn.Module):
    """A projection whose output is given."""

    def __init__(self, vectors: Tensor) -> None:
        super().__init__()
        self.vectors = vectors

    def forward(self, x: Tensor) -> Tensor:
        del x
        return self.vectors.transpose(1, 2).flatten(2)


@settings(deadline=None, max_examples=40)
@given(
    length=st.integers(1, 14),
    window=st.sampled_from([1, 2, 5, 13, 20]),
    slope=st.sampled_from([0.0, 0.25, 1.0, 16.0]),
    seed=st.integers(0, 2**32),
)
def test_two_passes_are_the_matrix_of_positions(
    length: int, window: int, slope: float, seed: int
) -> None:
    torch.manual_seed(seed)
    query, key, value = (torch.randn(2, 3, length, 4, dtype=torch.float64) for _ in range(3))
    position = LeakyPosition(4, window, slope)
    query.requires_grad_(), key.requires_grad_(), value.requires_grad_()
    found, expected = (way(position, query, key, value) for way in (attend, naive))
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)
    weights = torch.randn_like(found)
    ours, theirs = (
        torch.autograd.grad((mixed * weights).sum(), [query, key, value])
        for mixed in (found, expected)
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-10)


def test_the_worked_case() -> None:
    query = torch.tensor([[1, 0], [0.5, 0.5], [1, 1], [-1, 2]]).double()[None, None]
    key = torch.tensor([[1, 0], [0, 1], [1, 1], [0.5, -0.5]]).double()[None, None]
    value = torch.tensor([[1, 0], [0, 1], [2, 0], [0, 3]]).double()[None, None]
    first = [[1, 0], [0.386978, 0.613022], [1.203392, 0.370956]]
    for slope, last in ((0.0, [0.687449, 1.060274]), (0.5, [0.760816, 0.811389])):
        expected = torch.tensor([[[*first, last]]], dtype=torch.float64)
        found = attend(LeakyPosition(2, 2, slope), query, key, value)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


CONFIG = TransformerConfig(
    vocabulary=13,
    width=16,
    layers=2,
    heads=2,
    inner_width=16,
    causal=True,
    position=Leaky(),
    scale=EntropyInvariant(least=2),
)


@settings(deadline=None, max_examples=20)
@given(
    chunks=st.lists(st.integers(1, 6), min_size=1, max_size=6),
    slope=st.sampled_from([0.0, 0.5]),
    seed=st.integers(0, 2**32),
)
def test_decoding_in_any_chunks_is_one_pass(
    randomised: Randomise, chunks: list[int], slope: float, seed: int
) -> None:
    torch.manual_seed(seed)
    model = randomised(Transformer(replace(CONFIG, position=Leaky(slope=slope))))
    ids, cache = torch.randint(13, (2, sum(chunks))), model.new_cache()
    with torch.no_grad():
        parts = [model(chunk, cache=cache) for chunk in ids.split(chunks, 1)]
        torch.testing.assert_close(torch.cat(parts, 1), model(ids), rtol=1e-11, atol=1e-11)
    assert set(cache.layers[0].kept) == {"near", "far", "value"}


def test_within_the_window_it_is_rotary_with_padding_too(randomised: Randomise) -> None:
    far = randomised(Transformer(replace(CONFIG, position=Leaky(window=20))))
    plain = Transformer(replace(CONFIG, position=Rotary())).double().eval()
    plain.load_state_dict(far.state_dict(), strict=False)
    ids, real = torch.randint(13, (2, 9)), Padding(real_tokens(torch.tensor([9, 4]), 9))
    torch.testing.assert_close(far(ids, None, real), plain(ids, None, real), rtol=0, atol=1e-12)
    short = replace(CONFIG, position=Leaky(window=2))
    assert not torch.allclose(Transformer(short).double().eval()(ids), plain(ids))


@pytest.mark.parametrize("rate", [0.0, 1e-9])
def test_a_whole_model_has_the_gradients_of_the_explicit_form(
    rate: float, randomised: Randomise
) -> None:
    """Both ways of a CPU: fused, and with dropout on the weights."""
    config = replace(CONFIG, dropout=0.0, attention_dropout=rate, scale=EntropyInvariant())
    model = randomised(Transformer(config)).train()
    ids = torch.randint(13, (2, 9))
    weights = torch.randn(2, 9, 16, dtype=torch.float64)
    mask = Padding(torch.ones(2, 9, dtype=torch.bool))  # goes by the true positions
    whole, other = (model(ids, None, given) for given in (None, mask))
    torch.testing.assert_close(whole, other, rtol=1e-12, atol=1e-12)
    parameters = list(model.parameters())
    expected, found = (
        torch.autograd.grad((states * weights).sum(), parameters, allow_unused=True)
        for states in (whole, other)
    )
    for theirs, ours in zip(expected, found, strict=True):
        if theirs is not None:
            torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-10)


def test_rows_that_no_pass_has_give_zeros() -> None:
    mixed, lse = torch.ones(1, 1, 2, 3), torch.zeros(1, 1, 2)
    passes = [Pass(None, None, None, in_order(5), rows=slice(1, 3))]
    merged = merge_passes(passes, [(mixed, lse)], 5)
    assert merged[0, 0, :, 0].tolist() == [0, 1, 1, 0, 0]
