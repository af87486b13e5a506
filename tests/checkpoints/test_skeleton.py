from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from wenlu.checkpoints.configs import FAMILIES
from wenlu.checkpoints.names import huggingface, tensorflow
from wenlu.checkpoints.skeleton import PARTS, WithoutWeights, part_of, skeleton
from wenlu.models import Model
from wenlu.models.model import HEADS
from wenlu.nn import PostNorm, Rotary, RotaryPosition, Transformer, TransformerConfig

SMALL = {"vocabulary": 11, "width": 8, "layers": 2, "heads": 2, "inner_width": 12}


def family_config(family: str, **changes: Any) -> TransformerConfig:  # noqa: ANN401
    narrow = {"embedding_width": 4} if family == "albert" else {}
    return TransformerConfig(**{**SMALL, "family": family, **FAMILIES[family], **narrow, **changes})


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("changes", [{}, {"embedding_width": 6}, {"head_size": 2}, {"segments": 3}])
def test_it_has_the_shapes_of_the_model(family: str, changes: dict[str, Any]) -> None:
    config = family_config(family, **changes)
    state = Model(config, HEADS).state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    found = skeleton(config, labels=3).shapes
    assert found.pop("classifier.weight") == (3, 8)
    assert found.pop("classifier.bias") == (3,)
    assert found == shapes


def test_what_the_configuration_determines_is_worked_out() -> None:
    config = family_config("roformer", key_size=6, position=Rotary(500.0))
    found = skeleton(config).constants
    assert len(found) == 2
    for frequencies in found.values():
        assert torch.equal(frequencies, RotaryPosition(6, 500.0).frequencies)


def test_nothing_is_allocated_and_nothing_drawn() -> None:
    before = torch.get_rng_state()
    with WithoutWeights():
        large = nn.Linear(10**6, 10**6)
        Transformer(replace(family_config("bert"), vocabulary=10**8, width=10**5, heads=1))
    assert large.weight.is_meta
    assert torch.equal(torch.get_rng_state(), before)
    assert not nn.Linear(2, 2).weight.is_meta


@pytest.mark.parametrize("family", FAMILIES)
def test_other_libraries_names_cover_all_parameters_once(family: str) -> None:
    config = family_config(family)
    shapes, constants = skeleton(config)
    tables = [huggingface(config, "")]
    if family != "gpt2":
        tables.append(tensorflow(config))
    for table in tables:
        entries = [entry for part in table.values() for entry in part]
        named = [name for entry in entries for name in entry.ours]
        parts = PARTS if family != "gpt2" else ("encoder",)
        stored = shapes.keys() - constants.keys()
        assert sorted(named) == sorted(name for name in stored if part_of(name) in parts)
        assert len({entry.stored for entry in entries}) == len(entries)
        for part, some in table.items():
            assert {part_of(name) for entry in some for name in entry.ours} == {part}


def test_families_are_what_the_recipes_make() -> None:
    from wenlu.models import FAMILIES as RECIPES

    assert TransformerConfig(**SMALL).block == PostNorm()
    for family, differs in FAMILIES.items():
        made = RECIPES[family](**SMALL)
        assert {name: getattr(made, name) for name in differs} == differs
