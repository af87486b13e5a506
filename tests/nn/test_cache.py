from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from wenlu.errors import ConfigError
from wenlu.nn import (
    Cache,
    LayerCache,
    Learned,
    Padding,
    PositionPart,
    Prefix,
    PreNorm,
    Relative,
    Rotary,
    Transformer,
    TransformerConfig,
    real_tokens,
)

Randomise = Callable[[nn.Module], nn.Module]

GPT2 = TransformerConfig(
    vocabulary=13,
    width=8,
    layers=2,
    heads=2,
    inner_width=16,
    max_length=12,
    segments=0,
    causal=True,
    block=PreNorm(),
    embedding_norm=False,
    final_norm=True,
)
BERT = TransformerConfig(vocabulary=13, width=8, layers=2, heads=2, inner_width=16, max_length=12)
CAUSAL = {
    "learned": GPT2,
    "rotary": replace(BERT, position=Rotary(), causal=True, max_length=4),
    "rotary, wide keys": replace(BERT, position=Rotary(), causal=True, key_size=6, head_size=3),
    "relative": replace(BERT, position=Relative(), causal=True),
    "shared": replace(BERT, causal=True, share_layers=True, layers=3),
}


@settings(deadline=None, max_examples=30)
@given(
    name=st.sampled_from(list(CAUSAL)),
    chunks=st.lists(st.integers(1, 4), min_size=1, max_size=6).filter(lambda c: sum(c) <= 12),
    seed=st.integers(0, 2**32),
)
def test_decoding_in_any_chunks_is_one_pass(
    randomised: Randomise, name: str, chunks: list[int], seed: int
) -> None:
    torch.manual_seed(seed)
    model = randomised(Transformer(CAUSAL[name])).float()
    ids = torch.randint(13, (2, sum(chunks)))
    cache = model.new_cache()
    with torch.no_grad():
        whole = model(ids)
        parts = [model(chunk, cache=cache) for chunk in ids.split(chunks, 1)]
    assert len(cache) == sum(chunks)
    torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", CAUSAL)
def test_texts_of_different_length_decode_as_if_alone(name: str, randomised: Randomise) -> None:
    """Padded to one width on the right, they go on behind the padding at their own positions."""
    model = randomised(Transformer(CAUSAL[name]))
    lengths, new = [5, 2, 3], 3
    texts = [torch.randint(13, (1, length + new)) for length in lengths]
    prompts = torch.zeros(3, 5, dtype=torch.long)
    for row, (text, length) in enumerate(zip(texts, lengths, strict=True)):
        prompts[row, :length] = text[0, :length]
    starts = torch.tensor(lengths)[:, None]
    real = torch.cat([real_tokens(starts[:, 0], 5), torch.ones(3, new, dtype=torch.bool)], 1)
    positions = torch.cat([torch.arange(5).expand(3, 5), starts + torch.arange(new)], 1)
    cache = model.new_cache()
    with torch.no_grad():
        model(prompts, mask=Padding(real[:, :5]), positions=positions[:, :5], cache=cache)
        for step in range(new):
            ids = torch.stack(
                [text[0, length + step] for text, length in zip(texts, lengths, strict=True)]
            )
            end = 6 + step
            state = model(
                ids[:, None],
                mask=Padding(real[:, :end]),
                positions=positions[:, :end],
                cache=cache,
            )
            for row, (text, length) in enumerate(zip(texts, lengths, strict=True)):
                alone = model(text[:, : length + step + 1])[:, -1]
                torch.testing.assert_close(state[row], alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("position", [Learned(), Rotary(), Relative()])
def test_a_unilm_target_is_decoded_behind_its_source(
    position: PositionPart, randomised: Randomise
) -> None:
    model = randomised(Transformer(replace(BERT, position=position)))
    ids = torch.randint(13, (2, 8))
    segments = torch.tensor([[0, 0, 0, 0, 1, 1, 1, 1]]).repeat(2, 1)
    cache = model.new_cache()
    parts = []
    with torch.no_grad():
        whole = model(ids, segments, Prefix(segments))
        for start, end in ((0, 4), (4, 5), (5, 7), (7, 8)):
            mask = Prefix(segments[:, :end])
            part = model(ids[:, start:end], segments[:, start:end], mask, cache=cache)
            parts.append(part)
    torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=1e-12, atol=1e-12)


def test_an_empty_cache_keeps_nothing() -> None:
    assert len(Cache(2)) == 0
    assert len(Cache(2).layers) == 2


@settings(deadline=None, max_examples=50)
@given(
    counts=st.lists(st.integers(1, 5), min_size=1, max_size=8),
    capacity=st.integers(0, 12),
    recorded=st.booleans(),
)
def test_a_layer_keeps_what_it_is_given_in_order_of_arrival(
    counts: list[int], capacity: int, recorded: bool
) -> None:
    cache, total = LayerCache(capacity), sum(counts)
    near, value = torch.randn(2, 3, total, 3), torch.randn(2, 3, total, 4)
    near.requires_grad_(recorded)
    end = 0
    for count in counts:
        start, end = end, end + count
        found = cache.extend(near=near[:, :, start:end], value=value[:, :, start:end])
        assert torch.equal(found["near"], near[:, :, :end])
        assert torch.equal(found["value"], value[:, :, :end])
    assert cache.length == total
    if recorded:
        found["near"].sum().backward()
        assert torch.equal(near.grad, torch.ones_like(near))


def test_memory_is_taken_in_advance_and_doubled() -> None:
    cache, sizes = LayerCache(), []
    for _ in range(70):
        cache.extend(key=torch.zeros(1, 1, 1, 1))
        sizes.append(cache.kept["key"].shape[2])
    assert sorted(set(sizes)) == [1, 2, 4, 8, 16, 32, 64, 128]
    cache = LayerCache(70)
    for _ in range(70):
        cache.extend(key=torch.zeros(1, 1, 1, 1))
        assert cache.kept["key"].shape[2] == 70


@pytest.mark.parametrize("name", CAUSAL)
def test_reordered_and_cropped_texts_go_on_as_if_alone(name: str, randomised: Randomise) -> None:
    """As in beam search, where one text goes on in several ways, and in speculative decoding."""
    model = randomised(Transformer(CAUSAL[name]))
    ids, ends = torch.randint(13, (3, 6)), torch.randint(13, (4, 2))
    rows = torch.tensor([2, 0, 2, 2])
    cache = model.new_cache(capacity=7)
    with torch.no_grad():
        model(ids, cache=cache)
        cache.crop(4)
        cache.reorder(rows)
        assert len(cache) == 4
        parts = [model(end, cache=cache) for end in ends.split(1, 1)]
        whole = model(torch.cat([ids[rows, :4], ends], 1))[:, 4:]
    torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=1e-12, atol=1e-12)


def test_a_cache_that_does_not_fit_says_why() -> None:
    cache = LayerCache()
    cache.extend(key=torch.zeros(2, 1, 3, 1), value=torch.zeros(2, 1, 3, 1))
    with pytest.raises(ConfigError, match="the cache keeps key, value; got near, value"):
        cache.extend(near=torch.zeros(2, 1, 1, 1), value=torch.zeros(2, 1, 1, 1))
    with pytest.raises(ConfigError, match="holds 2 texts; got 1; call reorder before"):
        cache.extend(key=torch.zeros(1, 1, 1, 1), value=torch.zeros(1, 1, 1, 1))
    with pytest.raises(ConfigError, match="keeps 3 tokens; cannot crop it to 4"):
        cache.crop(4)


def test_decoding_beyond_the_learned_positions_is_refused() -> None:
    model = Transformer(GPT2).eval()
    cache = model.new_cache()
    model(torch.zeros(1, 12, dtype=torch.long), cache=cache)
    with pytest.raises(ConfigError, match="13 positions, but the model has learned 12"):
        model(torch.zeros(1, 1, dtype=torch.long), cache=cache)


def test_a_padding_mask_of_the_new_token_alone_is_refused() -> None:
    model = Transformer(GPT2).eval()
    cache = model.new_cache()
    model(torch.zeros(1, 4, dtype=torch.long), cache=cache)
    newest = Padding(torch.ones(1, 1, dtype=torch.bool))
    with pytest.raises(ConfigError, match="it must speak of the kept ones too"):
        model(torch.zeros(1, 1, dtype=torch.long), mask=newest, cache=cache)
