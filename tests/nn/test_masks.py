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


def combined(real: Tensor, segments: Tensor) -> list[Mask]:
    """Masks that count in closed form, and masks that do not."""
    simple = masks(real, segments)
    return [
        *simple,
        *(~mask for mask in simple),
        *(mask & Padding(real) for mask in simple),
        *(Padding(real) & ~mask for mask in simple),
        Causal() & Window(2) & Padding(real),
        Causal() | Window(3),
        (Causal() | Padding(real)).narrow(slice(1, 3), slice(0, 4)),
    ]


PLACES = {
    "in order": in_order(6),
    "the newest two": in_order(2, start=4),
    "the first three": in_order(6)._replace(query=torch.arange(3)[None]),
    "packed": Places(torch.tensor([[0, 1, 0, 1, 2, 0]]), torch.tensor([[0, 1, 0, 1, 2, 0]])),
}
SIX = real_tokens(torch.tensor([6, 4, 1]), 6)


@pytest.mark.parametrize("places", PLACES)
def test_what_a_query_sees_is_counted(places: str) -> None:
    segments, where = torch.randint(2, (3, 6)), PLACES[places]
    some = torch.rand(3, 6) < 0.5
    for mask in combined(SIX, segments):
        dense = mask.dense(where)[:, 0]
        dense = dense.expand(3, -1, dense.shape[2])
        full = where.query.shape[1], where.key.shape[1]
        if type(mask).__name__ != "Narrowed":
            dense = dense.expand(3, *full)
            counted = mask.count(where, some).expand(3, full[0])
            assert torch.equal(counted, (dense & some[:, None]).sum(-1)), type(mask)
        counted = mask.count(where)
        assert torch.equal(counted.expand(3, dense.shape[1]), dense.sum(-1)), type(mask)


def test_masks_that_are_known_count_without_a_matrix() -> None:
    """4,096 queries, as a model asks in each layer."""
    real, places = real_tokens(torch.tensor([4000, 7]), 4096), in_order(4096)
    segments = (torch.arange(4096) > 100).long().expand(2, 4096)

    class Known(Mask):
        def dense(self, places: Places) -> Tensor:
            raise AssertionError(f"a matrix was built for {places.key.shape[1]} keys")

    for mask in (Causal(), Window(9), Prefix(segments), ~Causal(), Padding(real)):
        mask.dense = Known().dense  # type: ignore[method-assign]
        for whole in (mask, mask & Padding(real)):
            assert whole.count(places).shape[0] in (1, 2)
    assert (Causal() & Padding(real)).count(places)[:, -1].tolist() == [4000, 7]


@pytest.mark.parametrize("places", PLACES)
def test_a_part_of_a_mask_is_that_part(places: str) -> None:
    segments, where = torch.randint(2, (3, 6)), PLACES[places]
    rows, columns = slice(1, 3), slice(2, None)
    for mask in combined(SIX, segments)[:-1]:
        whole = mask.dense(where).expand(-1, -1, where.query.shape[1], 6)
        part = mask.narrow(rows, columns).dense(where)
        assert torch.equal(part.expand_as(whole[:, :, rows, columns]), whole[:, :, rows, columns])
    assert (causal := Causal()).narrow() is causal


def test_not_and_or_are_logical() -> None:
    real, segments = real_tokens(torch.tensor([5, 3]), 5), torch.randint(2, (2, 5))
    places = in_order(5)
    for first in masks(real, segments):
        assert torch.equal((~first).dense(places), ~first.dense(places))
        assert ~~first is first
        for second in masks(real, segments):
            either = first.dense(places) | second.dense(places)
            assert torch.equal((first | second).dense(places), either)


def test_a_mask_of_too_few_keys_is_refused() -> None:
    with pytest.raises(ConfigError, match="padding mask speaks of 1 keys, but there are 6"):
        Padding(real_tokens(torch.tensor([1]), 1)).dense(in_order(1, start=5))
    with pytest.raises(ConfigError, match="prefix mask speaks of 6 keys, but there are 7"):
        Prefix(SEGMENTS).dense(in_order(1, start=6))
