import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from wenlu.errors import ConfigError
from wenlu.models import FAMILIES
from wenlu.nn import (
    PARTS,
    AttentionShape,
    Block,
    BlockPart,
    BlockPlan,
    GELUTanh,
    LayerNorm,
    PositionPart,
    PreNormBlock,
    Rotary,
    RotaryPosition,
    Transformer,
    TransformerConfig,
)

BASE = TransformerConfig(vocabulary=13, width=8, layers=2, heads=2, inner_width=16)
SIZES = {"vocabulary": 13, "width": 8, "layers": 2, "heads": 2, "inner_width": 16}


@dataclass(frozen=True)
class Halved(PositionPart):
    """A position of a user's own: rotary angles that grow half as fast."""

    base: float = 10_000.0
    steps: int | None = None

    def build(self, shape: AttentionShape) -> Any:  # noqa: ANN401
        position = RotaryPosition(shape.key_size, self.base)
        position.frequencies /= 2
        return position


@dataclass(frozen=True)
class Scaled(BlockPart):
    """A block of a user's own: a learned gain on what it puts out."""

    gain: float = 0.5

    def build(self, plan: BlockPlan) -> Block:
        return ScaledBlock(plan, self.gain)


class ScaledBlock(PreNormBlock):
    def __init__(self, plan: BlockPlan, gain: float) -> None:
        super().__init__(
            plan.attention(),
            plan.feed_forward(),
            width=plan.shape.width,
            norm=plan.norm,
            dropout=plan.dropout,
        )
        self.gain = nn.Parameter(torch.tensor(gain))

    def residual(self, *given: Any, **named: Any) -> Any:  # noqa: ANN401
        return super().residual(*given, **named) * self.gain


VARIANTS = {
    **{family: recipe(vocabulary=13, layers=2) for family, recipe in FAMILIES.items()},
    "settings": replace(BASE, position=Rotary(500.0), norm=LayerNorm(1e-5), activation=GELUTanh()),
    "own position": replace(BASE, position=Halved(base=100.0, steps=3)),
    "own block": replace(BASE, block=Scaled()),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_configuration_goes_through_json(name: str) -> None:
    config = VARIANTS[name]
    values = json.loads(json.dumps(config.to_dict()))
    assert TransformerConfig.from_dict(values, [Halved, Scaled]) == config


def test_parts_stand_in_files_by_name_and_what_is_not_usual() -> None:
    config = replace(BASE, position=Rotary(500.0))
    values = config.to_dict()
    assert values["position"] == {"name": "rotary", "base": 500.0}
    assert values["norm"] == "layer_norm"
    assert replace(BASE, position=Rotary()).to_dict()["position"] == "rotary"
    own = replace(BASE, position=Halved(steps=2)).to_dict()["position"]
    assert own == {"name": f"{__name__}:Halved", "steps": 2}
    short = {**SIZES, "position": {"name": "rotary", "base": 500}}
    assert TransformerConfig.from_dict(short) == config  # 500 stands for 500.0


def test_every_part_has_a_name_and_a_sentence() -> None:
    assert {name: table.kind for name, table in PARTS.items()} == {name: name for name in PARTS}
    for table in PARTS.values():
        for name, (kind, sentence) in table.parts.items():
            part = table.from_value(name)
            assert (type(part), table.to_value(part)) == (kind, name)
            assert sentence[0] != " "


def test_a_users_part_is_made_only_where_its_class_is_passed(tmp_path: Path) -> None:
    values = {**SIZES, "position": f"{__name__}:Halved"}
    config = TransformerConfig.from_dict(values, parts=[Halved])
    assert config.position == Halved()
    assert Transformer(config).blocks[0].attention.position.frequencies[0] == 0.5
    with pytest.raises(ConfigError, match=r"import 'Halved' from .* and pass the class: parts="):
        TransformerConfig.from_dict(values)
    moved = {**SIZES, "position": "old.place:Halved"}
    assert TransformerConfig.from_dict(moved, parts=[Halved]).position == Halved()
    (tmp_path / "trap.py").write_text("raise SystemExit('imported')", "utf-8")
    with pytest.raises(ConfigError, match="a part that is not in this package"):
        TransformerConfig.from_dict({**SIZES, "position": "trap:Halved"})
    with pytest.raises(ConfigError, match="no position: it must be a dataclass that is a Position"):
        TransformerConfig.from_dict({**SIZES, "position": f"{__name__}:Scaled"}, parts=[Scaled])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"widht": 8}, "the configuration has no field 'widht'; the closest are width"),
        ({"width": "8"}, "the configuration: width must be a whole number; got '8'"),
        ({"width": True}, "width must be a whole number; got True"),
        ({"width": 8.0}, "width must be a whole number; got 8.0"),
        ({"dropout": float("nan")}, "dropout must be a finite number; got nan"),
        ({"initial_std": 10**400}, "initial_std must be a finite number; got 1000"),
        ({"causal": 1}, "causal must be true or false; got 1"),
        ({"family": None}, "family must be a name; got None"),
        ({"width": 16**5000}, "must be from 1 to 1000000; got a number of thousands of digits"),
        ({"width": [[[[[8]]]]] * 1000}, "width must be a whole number; got "),
        ({"layers": 10**9}, "layers must be from 1 to 10000; got 1000000000"),
        ({"position": "rotery"}, "no position 'rotery'; the closest are rotary"),
        ({"activation": "gelo"}, "no activation 'gelo'; the closest are gelu"),
        ({"position": 3}, r"position is 3; give a name \(learned, .*\), or a name and its"),
        ({"position": {"base": 3}}, "give a name"),
        ({"position": {"name": ["rotary"]}}, "give a name"),
        ({"position": {"name": "rotary", "bass": 3}}, "position rotary has no field 'bass'; the"),
        ({"position": {"name": "learned", "base": 3}}, "no field 'base'; it has none"),
        ({"position": {"name": "rotary", "base": "3"}}, "base must be a finite number; got '3'"),
        ({"position": {"name": "rotary", "base": -1.0}}, "must be more than 0; got -1.0"),
        ({"position": {"name": "relative", "reach": 10**9}}, "must be from 1 to 4096; got 1000"),
        ({"norm": {"name": "layer_norm", "epsilon": -1.0}}, "must be at least 0; got -1.0"),
    ],
)
def test_values_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TransformerConfig.from_dict({**SIZES, **change})


def test_missing_fields_are_named() -> None:
    with pytest.raises(ConfigError, match=r"model\.toml lacks width, layers"):
        TransformerConfig.from_dict(
            {"vocabulary": 3, "heads": 2, "inner_width": 8}, source="model.toml"
        )


def test_what_cannot_be_saved_is_refused() -> None:
    config = replace(BASE)
    object.__setattr__(config, "position", "rotary")  # the constructor's own types are checked
    with pytest.raises(ConfigError, match=r"position is 'rotary'; it must be a dataclass that is"):
        config.__post_init__()
    own = Halved()
    object.__setattr__(own, "base", (1, 2))
    object.__setattr__(config, "position", own)
    with pytest.raises(ConfigError, match=r"the setting base is \(1, 2\); only numbers, names"):
        config.to_dict()


@pytest.mark.parametrize("name", VARIANTS)
def test_a_model_without_memory_is_filled_by_assignment(name: str) -> None:
    config = VARIANTS[name]
    filled = Transformer(config)
    with torch.device("meta"):
        empty = Transformer(config)
    assert all(tensor.is_meta for tensor in empty.state_dict().values())
    empty.load_state_dict(filled.state_dict(), assign=True)
    ids = torch.randint(13, (2, 5))
    for tensor, own in zip(filled.parameters(), empty.parameters(), strict=True):
        assert tensor.data_ptr() == own.data_ptr()
    torch.testing.assert_close(empty.eval()(ids), filled.eval()(ids), rtol=0, atol=0)


def test_without_memory_a_large_model_takes_no_time() -> None:
    start = time.process_time()
    with torch.device("meta"):
        Transformer(FAMILIES["bert"](width=4_096, layers=48, heads=32))
    assert time.process_time() - start < 2
