from typing import Any

import pytest
import torch

from wenlu.checkpoints.fields import (
    DEFAULTS,
    FAMILIES,
    complete,
    frequencies,
    from_flat,
    to_flat,
)
from wenlu.checkpoints.names import huggingface, tensorflow
from wenlu.checkpoints.parameters import PARTS, parameters, part_of
from wenlu.nn import RotaryPosition, Transformer, TransformerConfig

SMALL = {"vocabulary": 11, "width": 8, "layers": 2, "heads": 2, "inner_width": 12}


def family_config(family: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    narrow = {"embedding_width": 4} if family == "albert" else {}
    return complete({**SMALL, "family": family, **FAMILIES[family], **narrow, **changes}, "test")


def test_the_fields_are_those_of_the_transformer() -> None:
    usual = to_flat(TransformerConfig.from_dict(SMALL).to_dict())
    assert usual == {**SMALL, **DEFAULTS}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"embedding_width": 6},
        {"key_size": 6, "head_size": 6},
        {"head_size": 2},
        {"segments": 3},
    ],
)
def test_the_parameters_are_those_of_the_transformer(family: str, changes: dict[str, Any]) -> None:
    config = family_config(family, **changes)
    state = Transformer(TransformerConfig.from_dict(from_flat(config))).state_dict()
    shapes = parameters(config)
    assert {f"encoder.{name}": tuple(tensor.shape) for name, tensor in state.items()} == {
        name: shape for name, shape in shapes.items() if part_of(name) == "encoder"
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_other_libraries_names_cover_all_parameters_once(family: str) -> None:
    config = family_config(family)
    shapes = {name for name in parameters(config) if not name.endswith("frequencies")}
    tables = [huggingface(family, config, "")]
    if family != "gpt2":
        tables.append(tensorflow(family, config))
    for table in tables:
        entries = [entry for part in table.values() for entry in part]
        named = [name for entry in entries for name in entry.ours]
        parts = PARTS if family != "gpt2" else ("encoder",)
        assert sorted(named) == sorted(name for name in shapes if part_of(name) in parts)
        assert len({entry.stored for entry in entries}) == len(entries)
        for part, some in table.items():
            assert {part_of(name) for entry in some for name in entry.ours} == {part}


def test_frequencies_are_those_of_rotary() -> None:
    config = family_config("roformer", key_size=6, rotary_base=500.0)
    assert torch.equal(frequencies(config), RotaryPosition(6, 500.0).frequencies)
