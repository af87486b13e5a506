"""Forms that only the tests know show what the seam allows."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from wenlu.errors import ConfigError
from wenlu.nn import (
    AttentionShape,
    Causal,
    DotProduct,
    Form,
    Mask,
    NoPosition,
    Padding,
    Pass,
    Relative,
    Rotary,
    ScoresPart,
    Transformer,
    TransformerConfig,
    mix,
    pass_scores,
    real_tokens,
)

Randomise = Callable[[nn.Module], nn.Module]


@dataclass(frozen=True)
class Dense(ScoresPart):
    """Synthesizer's dense form: a token says by itself where it looks, without queries or keys.

    Paper: "Synthesizer: Rethinking Self-Attention in Transformer Models".
    """

    needs_queries: ClassVar[bool] = False
    inner_width: int = 4

    def build(self, shape: AttentionShape) -> Form:
        return DenseForm(shape, self.inner_width)


class DenseForm(nn.Module):
    def __init__(self, shape: AttentionShape, inner_width: int) -> None:
        super().__init__()
        self.heads, self.most = shape.heads, shape.max_length
        self.inner = nn.Linear(shape.width, shape.heads * inner_width)
        self.outer = nn.Parameter(torch.randn(shape.heads, inner_width, shape.max_length))

    def forward(
        self, x: Tensor, pass_: Pass, value: Tensor, *, scale: float, dropout: float, lse: bool
    ) -> tuple[Tensor, Tensor | None]:
        del scale
        if value.shape[2] > self.most:
            raise ConfigError(f"{value.shape[2]} tokens; this form has learned {self.most}")
        inner = self.inner(x).relu().unflatten(-1, (self.heads, -1)).transpose(1, 2)
        raw = inner @ self.outer[:, :, : value.shape[2]]  # (b h q k)
        return mix(raw, pass_, value, dropout=dropout, lse=lse)


BASE = TransformerConfig(
    vocabulary=13, width=8, layers=2, heads=2, inner_width=16, max_length=12, scores=Dense()
)


@pytest.mark.parametrize("causal", [False, True])
def test_a_form_without_queries_trains_pads_and_decodes(
    causal: bool, randomised: Randomise
) -> None:
    model = randomised(Transformer(replace(BASE, causal=causal)))
    names = [name for name, _ in model.named_parameters() if "attention." in name]
    assert not [name for name in names if ".query." in name or ".key." in name]
    assert [name for name in names if ".form.outer" in name]
    ids, real = torch.randint(13, (2, 9)), real_tokens(torch.tensor([9, 4]), 9)
    padded = model(ids, None, Padding(real))
    torch.testing.assert_close(padded[1, :4], model(ids[1:, :4])[0], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(model(ids, rows=3), model(ids)[:, :3], rtol=1e-12, atol=1e-12)
    if causal:
        cache = model.new_cache()
        with torch.no_grad():
            parts = [model(chunk, cache=cache) for chunk in ids.split([4, 1, 4], 1)]
        torch.testing.assert_close(torch.cat(parts, 1), model(ids), rtol=1e-12, atol=1e-12)
        assert set(cache.layers[0].kept) == {"value"}
    model.train()(ids).sum().backward()
    assert model.blocks[0].attention.form.outer.grad.abs().sum() > 0


def test_it_depends_on_the_token_alone_where_it_looks(randomised: Randomise) -> None:
    """Columns beyond the text change nothing; the scores of one token know no other."""
    model = randomised(Transformer(replace(BASE, layers=1, position=NoPosition())))
    ids = torch.randint(13, (1, 6))
    before = model(ids)
    with torch.no_grad():
        model.blocks[0].attention.form.outer[:, :, 6:] += 5
    assert torch.equal(model(ids), before)
    with pytest.raises(ConfigError, match="13 tokens; this form has learned 12"):
        model(torch.zeros(1, 13, dtype=torch.long))


def test_positions_that_turn_queries_do_not_go_with_it() -> None:
    for position in (Rotary(), Relative()):
        with pytest.raises(ConfigError, match="but this attention form has none; use learned"):
            Transformer(replace(BASE, position=position))


def test_what_a_form_learned_is_in_its_state_and_its_settings_in_the_configuration() -> None:
    config = replace(BASE, scores=Dense(inner_width=3))
    values = json.loads(json.dumps(config.to_dict()))
    assert values["scores"] == {"name": f"{__name__}:Dense", "inner_width": 3}
    model = Transformer(config)
    with torch.device("meta"):
        other = Transformer(TransformerConfig.from_dict(values, parts=[Dense]))
    other.load_state_dict(model.state_dict(), assign=True)
    ids = torch.randint(13, (1, 6))
    assert torch.equal(other.eval()(ids), model.eval()(ids))


@dataclass(frozen=True)
class Mixed(ScoresPart):
    """Talking heads with a fixed mixing matrix."""

    identity: bool = False

    def build(self, shape: AttentionShape) -> Form:
        return MixedForm(shape.heads, self.identity)


class MixedForm(nn.Module):
    def __init__(self, heads: int, identity: bool) -> None:
        super().__init__()
        matrix = torch.eye(heads) if identity else torch.randn(heads, heads)
        self.mixing = nn.Parameter(matrix)

    def forward(
        self, x: Tensor, pass_: Pass, value: Tensor, *, scale: float, dropout: float, lse: bool
    ) -> tuple[Tensor, Tensor | None]:
        del x
        raw = torch.einsum("ah,bhqk->baqk", self.mixing, pass_scores(pass_, scale))
        return mix(raw, pass_, value, dropout=dropout, lse=lse)


@pytest.mark.parametrize("position", [Rotary(), Relative(reach=3)])
@pytest.mark.parametrize("mask", [None, Causal() & Padding(torch.ones(2, 9, dtype=torch.bool))])
def test_heads_that_are_mixed_by_the_identity_are_ordinary_attention(
    position: Rotary | Relative, mask: Mask | None, randomised: Randomise
) -> None:
    config = replace(BASE, position=position, scores=Mixed(identity=True))
    model = randomised(Transformer(config))
    for block in model.blocks:
        block.attention.form.mixing.data = torch.eye(2).double()
    plain = Transformer(replace(BASE, position=position, scores=DotProduct())).double().eval()
    plain.load_state_dict(model.state_dict(), strict=False)
    ids = torch.randint(13, (2, 9))
    torch.testing.assert_close(model(ids, None, mask), plain(ids, None, mask))


def test_mixed_heads_see_nothing_that_a_mask_forbids(randomised: Randomise) -> None:
    """Masked after mixing: before it, a negative weight would make -inf the highest score."""
    model = randomised(Transformer(replace(BASE, scores=Mixed(), causal=True)))
    ids = torch.randint(13, (1, 7))
    other = ids.clone()
    other[:, 4:] = (ids[:, 4:] + 1) % 13
    assert torch.equal(model(ids)[:, :4], model(other)[:, :4])
