from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from wenlu.models import FAMILIES, Classifier, Model
from wenlu.nn import TransformerConfig
from wenlu.optim import freeze, layer_depth, parameter_groups

LAYERS = 3


def shape(family: str) -> TransformerConfig:
    sizes = {"vocabulary": 13, "width": 8, "heads": 2, "layers": LAYERS, "inner_width": 16}
    return FAMILIES[family](**sizes)


def make(family: str = "bert") -> Classifier:
    return Classifier(Model(shape(family), {"pooler"}), 2, pooling="pooler")


def named(module: nn.Module, groups: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """What each parameter's group says."""
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    return {
        names[id(parameter)]: {"lr": group["lr"], "weight_decay": group["weight_decay"]}
        for group in groups
        for parameter in group["params"]
    }


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("layer_decay", [1.0, 0.9])
def test_every_parameter_is_in_one_group(family: str, layer_decay: float) -> None:
    module = make(family)
    groups = parameter_groups(
        module, learning_rate=1e-4, weight_decay=0.01, layer_decay=layer_decay
    )
    found = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(found) == sorted(id(parameter) for parameter in module.parameters())
    torch.optim.AdamW(groups)


@pytest.mark.parametrize("family", FAMILIES)
def test_matrices_decay_and_biases_and_norms_do_not(family: str) -> None:
    module = make(family)
    found = named(module, parameter_groups(module, learning_rate=1e-4, weight_decay=0.01))
    for name, group in found.items():
        vector = name.endswith("bias") or "norm" in name
        assert group == {"lr": 1e-4, "weight_decay": 0.0 if vector else 0.01}, name


def test_without_layer_decay_there_are_two_groups() -> None:
    groups = parameter_groups(make(), learning_rate=1e-4, weight_decay=0.01)
    assert [group["weight_decay"] for group in groups] == [0.0, 0.01]


def test_a_layer_learns_slower_the_deeper_it_is() -> None:
    module = make()
    groups = parameter_groups(module, learning_rate=1.0, weight_decay=0.01, layer_decay=0.5)
    rates = {name: group["lr"] for name, group in named(module, groups).items()}
    expected = {
        "encoder.embeddings.": 0.5**4,
        "encoder.blocks.0.": 0.5**3,
        "encoder.blocks.1.": 0.5**2,
        "encoder.blocks.2.": 0.5,
        "pooler.": 1.0,
        "classifier.": 1.0,
    }
    for name, rate in rates.items():
        (prefix,) = [prefix for prefix in expected if name.startswith(prefix)]
        assert rate == expected[prefix], name


def test_what_stands_above_the_blocks_learns_at_the_full_rate() -> None:
    module = Model(shape("gpt2"))
    groups = parameter_groups(module, learning_rate=1.0, weight_decay=0.0, layer_decay=0.5)
    rates = {name: group["lr"] for name, group in named(module, groups).items()}
    assert rates["encoder.final_norm.weight"] == 1.0
    assert rates["encoder.blocks.2.attention.query.weight"] == 0.5


def test_shared_blocks_count_as_one() -> None:
    module = make("albert")
    groups = parameter_groups(module, learning_rate=1.0, weight_decay=0.0, layer_decay=0.5)
    rates = {name: group["lr"] for name, group in named(module, groups).items()}
    assert rates["encoder.embeddings.token.weight"] == 0.25
    assert rates["encoder.blocks.0.attention.query.weight"] == 0.5


class Reordered(nn.Module):
    """The same parameters by the same names, registered in another order."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.parts = dict(reversed(list(module.named_parameters())))

    def named_parameters(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401
        return iter(self.parts.items())


@pytest.mark.parametrize("layer_decay", [1.0, 0.8])
def test_groups_do_not_depend_on_the_order_of_registration(layer_decay: float) -> None:
    module = make()
    options = {"learning_rate": 1.0, "weight_decay": 0.01, "layer_decay": layer_decay}
    first = parameter_groups(module, **options)
    second = parameter_groups(Reordered(module), **options)
    assert [(group["lr"], group["weight_decay"]) for group in first] == [
        (group["lr"], group["weight_decay"]) for group in second
    ]
    assert [[id(parameter) for parameter in group["params"]] for group in first] == [
        [id(parameter) for parameter in group["params"]] for group in second
    ]


def frozen(module: nn.Module) -> set[str]:
    """Parts of which nothing learns; parts are wholly frozen or not at all."""
    parts: dict[str, set[bool]] = {}
    for name, parameter in module.named_parameters():
        words = name.split(".")
        part = ".".join(words[: 3 if words[1] == "blocks" else 2])
        parts.setdefault(part, set()).add(parameter.requires_grad)
    assert all(len(states) == 1 for states in parts.values())
    return {part for part, states in parts.items() if states == {False}}


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (0, set()),
        (1, {"encoder.embeddings"}),
        (2, {"encoder.embeddings", "encoder.blocks.0"}),
        (4, {"encoder.embeddings", *(f"encoder.blocks.{index}" for index in range(3))}),
        (9, {"encoder.embeddings", *(f"encoder.blocks.{index}" for index in range(3))}),
    ],
)
def test_freezing_starts_at_the_embeddings(layers: int, expected: set[str]) -> None:
    module = make()
    freeze(module, layers)
    assert frozen(module) == expected
    groups = parameter_groups(module, learning_rate=1.0, weight_decay=0.0, layer_decay=0.5)
    learning = {name for name, parameter in module.named_parameters() if parameter.requires_grad}
    assert set(named(module, groups)) == learning


def test_frozen_parts_stay_as_they_are() -> None:
    module = make()
    freeze(module, 2)
    before = {name: parameter.detach().clone() for name, parameter in module.named_parameters()}
    groups = parameter_groups(module, learning_rate=0.1, weight_decay=0.1)
    optimizer = torch.optim.AdamW(groups)
    states = module.encoder(torch.tensor([[3, 5, 8]]))
    module.classifier(module.pooler(states[:, 0])).square().sum().backward()
    optimizer.step()
    for name, parameter in module.named_parameters():
        still = name.startswith(("encoder.embeddings.", "encoder.blocks.0."))
        assert torch.equal(parameter, before[name]) == still, name


@pytest.mark.parametrize("wrap", [lambda name: name, lambda name: f"module.{name}"])
def test_depth_is_read_from_the_name(wrap: Callable[[str], str]) -> None:
    """Also behind the prefix of `DistributedDataParallel`."""
    assert layer_depth(wrap("encoder.embeddings.norm.bias"), 13) == 0
    assert layer_depth(wrap("encoder.blocks.11.feed_forward.inner.weight"), 13) == 12
    assert layer_depth(wrap("encoder.final_norm.weight"), 13) == 13
    assert layer_depth(wrap("classifier.weight"), 13) == 13
