from dataclasses import dataclass, replace
from typing import Any

import pytest

from wenlu.checkpoints import expressible
from wenlu.nn import LayerNorm, PreNorm, Rotary, Tanh

from .test_skeleton import family_config


@dataclass(frozen=True)
class Sine(Tanh):
    """An activation that no library has."""


@dataclass(frozen=True)
class Centred(LayerNorm):
    """A norm that no library has."""


@pytest.mark.parametrize("family", ["bert", "roformer", "albert", "gpt2"])
def test_ordinary_models_are(family: str) -> None:
    assert expressible(family_config(family), {}) is None


@pytest.mark.parametrize(
    ("family", "changes", "reason"),
    [
        ("nezha", {}, "no NEZHA"),
        ("bert", {"family": "modern"}, "no family 'modern'"),
        ("bert", {"key_size": 8}, "heads have size 4 and keys 8"),
        ("bert", {"head_size": 2}, "heads have size 2 and keys 2"),
        ("bert", {"causal": True}, "causal is True; a bert model there has False"),
        ("bert", {"block": PreNorm()}, "block is PreNorm()"),
        ("bert", {"position": Rotary()}, "position is Rotary("),
        ("bert", {"segments": 0}, "segments is 0; a bert model there has one or more"),
        ("gpt2", {"segments": 2}, "segments is 2; a gpt2 model there has none"),
        ("bert", {"embedding_width": 4}, "its embeddings are projected"),
        ("roformer", {"embedding_width": 8}, "projected to their own width"),
        ("roformer", {"position": Rotary(500.0)}, "differs from the frequencies of base 10000"),
        ("albert", {"embedding_width": None}, "its embeddings are not projected"),
        ("albert", {"share_layers": False}, "share_layers is False"),
        ("bert", {"activation": Sine()}, "it has no activation Sine()"),
        ("bert", {"norm": Centred()}, "its norm is Centred("),
    ],
)
def test_others_say_why_not(family: str, changes: dict[str, Any], reason: str) -> None:
    answer = expressible(replace(family_config(family), **changes), {})
    assert answer is not None
    assert reason in answer
