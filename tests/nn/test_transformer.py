from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from wenlu.errors import ConfigError
from wenlu.nn import (
    Causal,
    Mask,
    Padding,
    Prefix,
    PreNorm,
    Relative,
    Rotary,
    Transformer,
    TransformerConfig,
    Window,
    initialise,
    real_tokens,
)

Randomise = Callable[[nn.Module], nn.Module]

BASE = TransformerConfig(
    vocabulary=13, width=8, layers=2, heads=2, inner_width=16, max_length=12, dropout=0.0
)
PRE = {"block": PreNorm(), "final_norm": True, "embedding_norm": False}
SHAPES = {
    "post": BASE,
    "pre": replace(BASE, **PRE),
    "rotary": replace(BASE, position=Rotary()),
    "rotary, pre": replace(BASE, position=Rotary(), **PRE),
    "relative": replace(BASE, position=Relative()),
    "relative, pre": replace(BASE, position=Relative(), **PRE),
    "shared and narrow": replace(BASE, share_layers=True, embedding_width=5),
    "causal": replace(BASE, causal=True, segments=0, **PRE),
    "wide keys": replace(BASE, key_size=6, head_size=3),
}
REAL = real_tokens(torch.tensor([7, 4, 1]), 7)
SEGMENTS = torch.tensor([[0, 0, 0, 1, 1, 1, 1], [0, 1, 1, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0]])
MASKS: dict[str, Mask | None] = {
    "none": None,
    "padding": Padding(REAL),
    "causal": Causal(),
    "window": Window(3) & Padding(REAL),
    "prefix": Prefix(SEGMENTS) & Padding(REAL),
}


class SameText(Mask):
    """Tokens see those of their own text in a packed batch."""

    def __init__(self, texts: Tensor) -> None:
        self.allowed = (texts[:, None, :] == texts[:, :, None])[:, None]

    def dense(self, places: Any) -> Tensor:  # noqa: ANN401
        return self.allowed[:, :, places.first : places.first + places.query.shape[1]]


@settings(deadline=None, max_examples=40)
@given(
    shape=st.sampled_from(list(SHAPES)),
    mask=st.sampled_from(list(MASKS)),
    rows=st.integers(1, 7),
    seed=st.integers(0, 2**32),
)
def test_rows_are_the_first_rows_of_the_whole(
    randomised: Randomise, shape: str, mask: str, rows: int, seed: int
) -> None:
    torch.manual_seed(seed)
    model = randomised(Transformer(SHAPES[shape]))
    ids = torch.randint(13, (3, 7))
    weights = torch.randn(3, rows, 8, dtype=torch.float64)
    whole = model(ids, None, MASKS[mask])[:, :rows]
    part = model(ids, None, MASKS[mask], rows=rows)
    assert part.shape == (3, rows, 8)
    torch.testing.assert_close(part, whole, rtol=1e-12, atol=1e-12)
    parameters = list(model.parameters())
    expected = torch.autograd.grad((whole * weights).sum(), parameters, allow_unused=True)
    found = torch.autograd.grad((part * weights).sum(), parameters, allow_unused=True)
    for theirs, ours in zip(expected, found, strict=True):
        assert (theirs is None) == (ours is None)
        if theirs is not None:
            torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("training", [False, True], ids=["evaluating", "training"])
def test_padding_changes_nothing(shape: str, training: bool, randomised: Randomise) -> None:
    """Also on the path that a CPU takes while training with dropout on the weights."""
    model = randomised(Transformer(replace(SHAPES[shape], attention_dropout=1e-9)))
    model.train(training)
    ids = torch.randint(13, (3, 7))
    padded = model(ids, None, Padding(REAL))
    for row, length in enumerate(REAL.sum(-1).tolist()):
        alone = model(ids[row : row + 1, :length])
        torch.testing.assert_close(padded[row, :length], alone[0], rtol=1e-12, atol=1e-12)


def test_what_stands_in_the_padding_changes_nothing(randomised: Randomise) -> None:
    model = randomised(Transformer(SHAPES["rotary"]))
    ids = torch.randint(13, (3, 7))
    other = torch.where(REAL, ids, (ids + 1) % 13)
    first, second = (model(text, None, Padding(REAL)) for text in (ids, other))
    assert torch.equal(first[REAL], second[REAL])


@pytest.mark.parametrize("shape", SHAPES)
def test_a_packed_batch_is_its_texts_alone(shape: str, randomised: Randomise) -> None:
    """Positions start again at every text; together they may exceed the learned ones."""
    model = randomised(Transformer(SHAPES[shape]))
    lengths = [4, 6, 1, 5]
    texts = [torch.randint(13, (1, length)) for length in lengths]
    positions = torch.cat([torch.arange(length) for length in lengths])[None]
    owner = torch.cat([torch.full((length,), i) for i, length in enumerate(lengths)])[None]
    packed = model(torch.cat(texts, 1), None, SameText(owner), positions=positions)
    alone = torch.cat([model(text) for text in texts], 1)
    torch.testing.assert_close(packed, alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", ["rotary", "relative"])
def test_relative_positions_do_not_know_where_a_text_starts(
    shape: str, randomised: Randomise
) -> None:
    model = randomised(Transformer(SHAPES[shape]))
    ids = torch.randint(13, (1, 7))
    far = model(ids, positions=torch.arange(1000, 1007)[None])
    torch.testing.assert_close(far, model(ids), rtol=1e-10, atol=1e-10)


def test_a_causal_model_does_not_look_ahead(randomised: Randomise) -> None:
    model = randomised(Transformer(SHAPES["causal"]))
    ids = torch.randint(13, (1, 7))
    other = ids.clone()
    other[:, 4:] = (ids[:, 4:] + 1) % 13
    assert torch.equal(model(ids)[:, :4], model(other)[:, :4])
    assert not torch.equal(model(ids)[:, 4:], model(other)[:, 4:])


def test_states_end_with_the_output_before_its_norm(randomised: Randomise) -> None:
    model = randomised(Transformer(SHAPES["pre"]))
    ids = torch.randint(13, (2, 5))
    states = list(model.states(ids))
    assert [tuple(state.shape) for state in states] == [(2, 5, 8)] * 3
    torch.testing.assert_close(model.final_norm(states[-1]), model(ids))
    torch.testing.assert_close(states[0], model.embeddings(ids, None, torch.arange(5)[None]))


def test_shared_layers_are_one_block() -> None:
    one, shared = (
        Transformer(replace(BASE, layers=layers, share_layers=True)) for layers in (1, 5)
    )
    own = Transformer(replace(BASE, layers=5))
    assert len(shared.blocks) == 1
    assert size(shared) == size(one)
    assert size(own) - size(shared) == 4 * size(shared.blocks)
    own.load_state_dict(
        {
            name: shared.state_dict()[name.replace(f"blocks.{name.split('.')[1]}.", "blocks.0.")]
            for name in own.state_dict()
        }
    )
    ids = torch.randint(13, (2, 5))
    torch.testing.assert_close(own.eval()(ids), shared.eval()(ids))


def size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_new_weights_are_cut_at_two_deviations() -> None:
    wide = replace(BASE, vocabulary=2000, width=64, inner_width=256, initial_std=0.02)
    model = Transformer(wide)
    for name, parameter in model.state_dict().items():
        if parameter.ndim > 1:
            assert parameter.abs().max() <= 0.04, name
            assert float(parameter.mean()) == pytest.approx(0.0, abs=2e-3), name
        elif "norm" in name and name.endswith("weight"):
            assert torch.equal(parameter, torch.ones_like(parameter)), name
        else:
            assert torch.equal(parameter, torch.zeros_like(parameter)), name
    deviation = float(model.embeddings.token.weight.detach().std())
    assert deviation == pytest.approx(0.02 * 0.8796, rel=0.01)  # of a normal cut at two
    bare = nn.Linear(3, 3, bias=False)
    initialise(bare, 0.5)
    assert bare.weight.abs().max() <= 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 10, "heads": 3}, "width 10 cannot be shared evenly among 3 heads"),
        ({"layers": 0}, "layers must be from 1 to 10000; got 0"),
        ({"vocabulary": -1}, "vocabulary must be from 1 to 100000000; got -1"),
        ({"max_length": 0}, "max_length must be from 1 to 100000000; got 0"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\); got 1.0"),
        ({"attention_dropout": -0.1}, r"attention_dropout must be in \[0, 1\); got -0.1"),
        ({"key_size": 0}, "key_size must be from 1 to 1000000; got 0"),
        ({"head_size": -2}, "head_size must be from 1 to 1000000; got -2"),
        ({"embedding_width": 0}, "embedding_width must be from 1 to 1000000; got 0"),
        ({"segments": -1}, "segments must be from 0 to 100000; got -1"),
        ({"layers": 10_001}, "layers must be from 1 to 10000; got 10001"),
        ({"vocabulary": 10**9}, "vocabulary must be from 1 to 100000000; got 1000000000"),
        ({"initial_std": -0.1}, "initial_std must be at least 0; got -0.1"),
    ],
)
def test_a_shape_that_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(BASE, **change)


def test_relative_positions_need_keys_as_wide_as_values() -> None:
    with pytest.raises(ConfigError, match="key_size must be head_size; got 2 and 4"):
        Transformer(replace(BASE, position=Relative(), key_size=2))


def test_an_odd_rotary_width_is_refused() -> None:
    with pytest.raises(ConfigError, match="rotary positions turn pairs; key_size 3 is odd"):
        Transformer(replace(BASE, position=Rotary(), key_size=3))


def test_positions_beyond_the_learned_ones_are_refused() -> None:
    model = Transformer(BASE)
    with pytest.raises(ConfigError, match="13 positions, but the model has learned 12; cut"):
        model(torch.zeros(1, 13, dtype=torch.long))
    with pytest.raises(ConfigError, match="13 positions, but the model has learned 12"):
        model(torch.zeros(1, 1, dtype=torch.long), positions=torch.tensor([[12]]))
    rotary = Transformer(SHAPES["rotary"])
    assert rotary(torch.zeros(1, 13, dtype=torch.long)).shape == (1, 13, 8)


def test_positions_of_the_new_tokens_alone_are_refused() -> None:
    model = Transformer(BASE).eval()
    cache = model.new_cache()
    model(torch.zeros(1, 4, dtype=torch.long), cache=cache)
    with pytest.raises(ConfigError, match="1 positions for 4 kept and 1 new tokens"):
        model(torch.zeros(1, 1, dtype=torch.long), positions=torch.tensor([[4]]), cache=cache)
