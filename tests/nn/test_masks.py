from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from wenlu.errors import ConfigError
from wenlu.nn import (
    Causal,
    Mask,
    Padding,
    Prefix,
    Transformer,
    TransformerConfig,
    Window,
    real_tokens,
)
from wenlu.nn.places import Places, in_order

SEGMENTS = torch.tensor([[0, 0, 0, 1, 1, 1]])


def seen(mask: Mask, places: Places) -> list[list[int]]:
    """The keys that each query of the first row sees."""
    allowed = mask.dense(places)
    keys = allowed.expand(-1, -1, places.query.shape[1], -1)[0, 0]
    return [row.nonzero().flatten().tolist() for row in keys]


def test_unilm_shows_the_source_to_all_and_the_target_in_order() -> None:
    source = [0, 1, 2]
    assert seen(Prefix(SEGMENTS), in_order(6)) == [
        source,
        source,
        source,
        [0, 1, 2, 3],
        [0, 1, 2, 3, 4],
        [0, 1, 2, 3, 4, 5],
    ]


def test_unilm_takes_the_rows_of_the_queries() -> None:
    whole = Prefix(SEGMENTS).dense(in_order(6))
    for first in range(6):
        for count in range(1, 7 - first):
            everyone = in_order(6)
            part = Places(everyone.query[:, first : first + count], everyone.key, first)
            torch.testing.assert_close(
                Prefix(SEGMENTS).dense(part), whole[:, :, first : first + count]
            )


def test_padding_looks_like_source_to_unilm_and_must_be_masked_beside_it() -> None:
    segments = torch.tensor([[0, 0, 1, 1, 0, 0]])
    real = real_tokens(torch.tensor([4]), 6)
    assert seen(Prefix(segments), in_order(6))[3] == [0, 1, 2, 3, 4, 5]
    assert seen(Prefix(segments) & Padding(real), in_order(6)) == [
        [0, 1],
        [0, 1],
        [0, 1, 2],
        [0, 1, 2, 3],
        [0, 1, 2, 3],
        [0, 1, 2, 3],
    ]


def test_a_changed_target_changes_no_source_state_at_all(
    randomised: Callable[[torch.nn.Module], torch.nn.Module],
) -> None:
    shape = TransformerConfig(vocabulary=11, width=8, layers=2, heads=2, inner_width=16)
    model = randomised(Transformer(shape))
    ids = torch.randint(11, (1, 6))
    other = ids.clone()
    other[:, 3:] = (ids[:, 3:] + 1) % 11
    mask = Prefix(SEGMENTS)
    with torch.no_grad():
        first, second = (model(text, SEGMENTS, mask)[:, :3] for text in (ids, other))
        alone = model(ids[:, :3])
    assert torch.equal(first, second)
    torch.testing.assert_close(first, alone, rtol=0, atol=1e-12)


def test_causal_sees_itself_and_what_is_before() -> None:
    assert seen(Causal(), in_order(4)) == [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3]]
    assert seen(Causal(), in_order(2, start=3)) == [[0, 1, 2, 3], [0, 1, 2, 3, 4]]


def test_causal_goes_by_position_and_not_by_order_of_arrival() -> None:
    positions = torch.tensor([[2, 0, 1]])
    assert seen(Causal(), Places(positions, positions)) == [[0, 1, 2], [1], [1, 2]]


@settings(deadline=None)
@given(length=st.integers(1, 12), width=st.integers(1, 14))
def test_a_window_looks_as_far_on_both_sides(length: int, width: int) -> None:
    both = seen(Window(width), in_order(length))
    assert both == [[k for k in range(length) if abs(k - q) < width] for q in range(length)]
    behind = seen(Causal() & Window(width), in_order(length))
    assert [len(keys) for keys in behind] == [min(q + 1, width) for q in range(length)]


@settings(deadline=None)
@given(lengths=st.lists(st.integers(1, 7), min_size=1, max_size=4))
def test_padding_allows_the_real_tokens_of_each_text(lengths: list[int]) -> None:
    real = real_tokens(torch.tensor(lengths), 7)
    assert real.sum(-1).tolist() == lengths
    assert real.tolist() == [[key < length for key in range(7)] for length in lengths]
    allowed = Padding(real).dense(in_order(7))
    assert torch.equal(allowed.expand(-1, 1, 7, -1), real[:, None, None].expand(-1, 1, 7, -1))


def masks(real: Tensor, segments: Tensor) -> list[Mask]:
    return [Causal(), Window(2), Padding(real), Prefix(segments)]


def test_and_is_a_logical_and_in_any_order() -> None:
    real = real_tokens(torch.tensor([5, 3]), 5)
    segments = torch.tensor([[0, 0, 1, 1, 1], [0, 1, 1, 0, 0]])
    places = in_order(5)
    for first in masks(real, segments):
        assert (first & None) is first
        for second in masks(real, segments):
            both = first.dense(places) & second.dense(places)
            assert torch.equal((first & second).dense(places), both)
            assert torch.equal((second & first).dense(places), both)
            for third in masks(real, segments):
                left, right = (first & second) & third, first & (second & third)
                assert torch.equal(left.dense(places), right.dense(places))


def test_a_mask_of_too_few_keys_is_refused() -> None:
    with pytest.raises(ConfigError, match="padding mask speaks of 1 keys, but there are 6"):
        Padding(real_tokens(torch.tensor([1]), 1)).dense(in_order(1, start=5))
    with pytest.raises(ConfigError, match="prefix mask speaks of 6 keys, but there are 7"):
        Prefix(SEGMENTS).dense(in_order(1, start=6))
