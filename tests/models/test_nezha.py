"""NEZHA against a reference written from the paper, with a vector for every pair of tokens."""

import math
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from wenlu.models import FAMILIES, Model, load, save
from wenlu.nn import Padding, real_tokens
from wenlu.text import Tokenizer

WIDTH, HEADS, LAYERS = 16, 2, 2


def relative_vectors(length: int, size: int) -> Tensor:
    """The vector of clip(j - i, -64, 64) for every i and j, (q k d)."""
    table = torch.empty(129, size, dtype=torch.float64)
    for row in range(129):
        for pair in range(size // 2):
            angle = row / 10_000 ** (2 * pair / size)
            table[row, 2 * pair], table[row, 2 * pair + 1] = math.sin(angle), math.cos(angle)
    place = torch.arange(length)
    distance = (place[None] - place[:, None]).clamp(-64, 64)
    return table.float().double()[distance + 64]  # the model keeps them in float32


def reference(weights: dict[str, Tensor], ids: Tensor, segments: Tensor, real: Tensor) -> Tensor:
    """NEZHA by the book."""

    def linear(name: str, x: Tensor) -> Tensor:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(name: str, x: Tensor) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        deviation = (centred.square().mean(-1, keepdim=True) + 1e-12).sqrt()
        return centred / deviation * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    size = WIDTH // HEADS
    relative = relative_vectors(ids.shape[1], size)
    x = weights["encoder.embeddings.token.weight"][ids]
    x = norm("encoder.embeddings.norm", x + weights["encoder.embeddings.segment.weight"][segments])
    for layer in range(LAYERS):
        block = f"encoder.blocks.{layer}"
        query, key, value = (
            linear(f"{block}.attention.{name}", x).view(*ids.shape, HEADS, size).transpose(1, 2)
            for name in ("query", "key", "value")
        )  # (b h s d)
        keys = key[:, :, None] + relative  # (b h q k d)
        score = (query[:, :, :, None] * keys).sum(-1) / math.sqrt(size)
        score = score.masked_fill(~real[:, None, None], -torch.inf)
        share = score.exp() / score.exp().sum(-1, keepdim=True)
        mixed = (share[..., None] * (value[:, :, None] + relative)).sum(-2)
        joined = mixed.transpose(1, 2).reshape(*ids.shape, WIDTH)
        x = norm(f"{block}.attention_norm", x + linear(f"{block}.attention.output", joined))
        inner = F.gelu(linear(f"{block}.feed_forward.inner", x))
        x = norm(f"{block}.feed_forward_norm", x + linear(f"{block}.feed_forward.outer", inner))
    return x


def test_outputs_and_gradients_are_those_of_the_paper(
    randomised: Callable[[nn.Module], nn.Module],
) -> None:
    """At 150 tokens, so that distances beyond 64 are met on both sides."""
    config = FAMILIES["nezha"](vocabulary=29, width=WIDTH, heads=HEADS, layers=LAYERS)
    model = randomised(Model(config)).double()
    ids = torch.randint(29, (2, 150))
    segments = (torch.arange(150) > 70).long().expand(2, 150).contiguous()
    real = real_tokens(torch.tensor([150, 97]), 150)
    weights = dict(model.named_parameters())
    expected = reference(weights, ids, segments, real)[real]
    found = model.encoder(ids, segments, Padding(real))[real]
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    direction = torch.randn_like(found)
    theirs, ours = (
        torch.autograd.grad((states * direction).sum(), list(weights.values()))
        for states in (expected, found)
    )
    for name, mine, other in zip(weights, ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-8, atol=1e-8, msg=name)


def test_it_learns_no_positions_and_takes_any_length() -> None:
    config = FAMILIES["nezha"](vocabulary=29, width=WIDTH, heads=HEADS, layers=1, max_length=4)
    model = Model(config).eval()
    assert not [name for name, _ in model.named_parameters() if "position" in name]
    assert model.encoder(torch.zeros(1, 9, dtype=torch.long)).shape == (1, 9, WIDTH)


def test_its_table_is_stored_and_stays_exact_in_half_the_space(tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    config = FAMILIES["nezha"](vocabulary=5, width=WIDTH, heads=HEADS, layers=1)
    model = Model(config)
    name = "encoder.blocks.0.attention.position.table"
    with torch.no_grad():
        model.state_dict()[name].mul_(1 / 3)  # the stored one counts
    loaded = load(save(tmp_path / "model", model, tokenizer, half=True)).model
    assert torch.equal(loaded.state_dict()[name], model.state_dict()[name])
