import pytest
import torch
from torch import nn

from wenlu.errors import ConfigError
from wenlu.optim import AccumulatingAdam, AccumulatingSGD, AdaFactor

from .drive import Make

KINDS = [AccumulatingSGD, AccumulatingAdam, AdaFactor]


@pytest.mark.parametrize("kind", KINDS)
def test_sparse_gradients_are_refused_before_anything_moves(kind: Make) -> None:
    dense, table = nn.Linear(4, 4), nn.Embedding(5, 4, sparse=True)
    before = dense.weight.detach().clone()
    optimizer = kind([*dense.parameters(), *table.parameters()])
    dense(table(torch.tensor([1, 3]))).sum().backward()
    message = f"{kind.__name__} needs dense gradients and got a sparse one; make the embedding"
    with pytest.raises(ConfigError, match=message):
        optimizer.step()
    assert torch.equal(dense.weight, before)


@pytest.mark.parametrize("kind", KINDS)
def test_complex_gradients_are_refused(kind: Make) -> None:
    parameter = nn.Parameter(torch.zeros(2, dtype=torch.complex64))
    optimizer = kind([parameter])
    parameter.grad = torch.ones_like(parameter)
    with pytest.raises(ConfigError, match="needs real gradients and got a complex one"):
        optimizer.step()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", [{"lr": -1.0}, {"weight_decay": -0.1}])
def test_negative_rates_are_refused_in_every_group(kind: Make, wrong: dict[str, float]) -> None:
    parameter = nn.Parameter(torch.zeros(2))
    with pytest.raises(ConfigError, match="cannot be negative; got lr="):
        kind([parameter], **wrong)
    optimizer = kind([parameter])
    with pytest.raises(ConfigError, match="cannot be negative; got lr="):
        optimizer.add_param_group({"params": [nn.Parameter(torch.zeros(2))], **wrong})
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize(
    ("kind", "wrong", "message"),
    [
        (AccumulatingSGD, {"momentum": 1.0}, "momentum must be 0 or more and below 1; got 1.0"),
        (AccumulatingAdam, {"betas": (0.9, 1.5)}, "beta 2 must be 0 or more and below 1; got 1.5"),
        (AccumulatingAdam, {"betas": (-0.1, 0.9)}, "beta 1 must be 0 or more and below 1"),
        (AccumulatingAdam, {"eps": -1.0}, "eps cannot be negative; got -1.0"),
        (AdaFactor, {"beta": 1.0}, "beta must be 0 or more and below 1; got 1.0"),
        (AdaFactor, {"clip": 0.0}, "clip and decay must be above 0; got clip=0.0, decay=0.8"),
        (AdaFactor, {"decay": -0.8}, "clip and decay must be above 0; got clip=1.0, decay=-0.8"),
        (AccumulatingSGD, {"accumulate": 0}, "accumulate is a number of micro-steps, 1 or more"),
    ],
)
def test_settings_out_of_range_are_refused(
    kind: Make, wrong: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        kind([nn.Parameter(torch.zeros(2))], **wrong)
