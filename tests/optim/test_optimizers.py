import pytest
import torch
from torch import nn

from wenlu.errors import ConfigError
from wenlu.optim import (
    OPTIMIZERS,
    Accumulating,
    AccumulatingAdam,
    AccumulatingSGD,
    AdaFactor,
    make_optimizer,
)

from .drive import drive, parameters, random_gradients

KINDS = {
    "adamw": torch.optim.AdamW,
    "sgdm": AccumulatingSGD,
    "adafactor": AdaFactor,
    "accumulating-adam": AccumulatingAdam,
    "accumulating-adam-beta": AccumulatingAdam,
    "accumulating-sgdm": AccumulatingSGD,
}


def test_every_name_makes_its_kind() -> None:
    assert list(OPTIMIZERS) == list(KINDS)
    for name, kind in KINDS.items():
        assert type(make_optimizer(name, parameters())) is kind
        assert OPTIMIZERS[name].about.endswith(".")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_groups_and_options_are_handed_on(name: str) -> None:
    first, second = parameters((2, 3), (3,))
    groups = [
        {"params": [first], "lr": 0.5, "weight_decay": 0.25},
        {"params": [second], "weight_decay": 0.0},
    ]
    optimizer = make_optimizer(name, groups, lr=0.125)
    found = [(group["lr"], group["weight_decay"]) for group in optimizer.param_groups]
    assert found == [(0.5, 0.25), (0.125, 0.0)]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_of_them_learns(name: str) -> None:
    torch.manual_seed(0)
    model, truth = nn.Linear(4, 1), torch.randn(4, 1)
    accumulate = 2 if OPTIMIZERS[name].accumulates else 1
    optimizer = make_optimizer(name, model.parameters(), lr=0.05, accumulate=accumulate)
    losses = []
    for _ in range(300):
        x = torch.randn(16, 4)
        optimizer.zero_grad()
        loss = (model(x) - x @ truth).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-20:]) < 0.2 * sum(losses[:20])


def test_those_that_accumulate_are_told_how_much() -> None:
    for name, choice in OPTIMIZERS.items():
        if choice.accumulates:
            optimizer = make_optimizer(name, parameters(), accumulate=8)
            assert isinstance(optimizer, Accumulating)
            assert optimizer.accumulate == 8
        else:
            with pytest.raises(ConfigError, match="or choose one of accumulating-adam, ") as error:
                make_optimizer(name, parameters(), accumulate=8)
            assert str(error.value).startswith(f"{name} moves on each step, so accumulate=8")


def test_the_beta_variant_is_another_one() -> None:
    ends = []
    for name in ("accumulating-adam", "accumulating-adam-beta"):
        moving = parameters()
        drive(
            make_optimizer(name, moving, accumulate=4), moving, random_gradients(8, moving, seed=5)
        )
        ends.append(moving[0].detach().clone())
    assert not torch.equal(*ends)


@pytest.mark.parametrize("name", ["adamw", "sgdm", "accumulating-adam", "accumulating-sgdm"])
def test_weight_decay_means_the_same_to_all(name: str) -> None:
    moving = parameters()
    before = [parameter.detach().clone() for parameter in moving]
    optimizer = make_optimizer(name, moving, lr=0.1, weight_decay=0.5)
    drive(optimizer, moving, [[torch.zeros_like(parameter) for parameter in moving]])
    for parameter, old in zip(moving, before, strict=True):
        torch.testing.assert_close(parameter.detach(), old * 0.95)


def test_an_unknown_name_lists_what_comes_close() -> None:
    with pytest.raises(ConfigError, match="no optimizer 'adam'; there are adamw, "):
        make_optimizer("adam", parameters())
