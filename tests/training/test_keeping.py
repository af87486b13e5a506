"""The weights that a training ends with."""

from collections.abc import Mapping

import pytest
import torch
from torch import nn

from wenlu.training.keeping import Average, Best, Weights, set_weights, trained_weights
from wenlu.training.state import Progress


def layer(seed: int) -> nn.Linear:
    torch.manual_seed(seed)
    return nn.Linear(3, 4)


def none(name: str) -> Weights:
    raise AssertionError(f"there is no {name} yet")


def averaged(*layers: nn.Linear) -> Average:
    keep = Average(first=0)
    keep.resume(Progress(), layers[0], none)
    for step, one in enumerate(layers, 1):
        keep.after_step(Progress(step=step), one)
    return keep


def test_the_plain_mean() -> None:
    layers = [layer(seed) for seed in range(7)]
    for count in range(1, 8):
        keep, found = averaged(*layers[:count]), layer(9)
        keep.finish(Progress(), found, none)
        for name, mean in found.state_dict().items():
            seen = torch.stack([each.state_dict()[name] for each in layers[:count]])
            torch.testing.assert_close(mean, seen.mean(0), rtol=1e-5, atol=1e-6)


def test_weights_that_stay_are_kept_bit_for_bit() -> None:
    one = layer(1)
    mean = averaged(*[one] * 9).mean
    assert all(torch.equal(mean[name], tensor) for name, tensor in one.state_dict().items())


def test_averaging_begins_after_its_first_step() -> None:
    keep, layers = Average(first=2), [layer(seed) for seed in range(4)]
    keep.resume(Progress(), layers[0], none)
    for step, one in enumerate(layers, 1):
        keep.after_step(Progress(step=step), one)
        assert bool(keep.parts(one, best=False)) == (step > 2)
    torch.testing.assert_close(keep.mean["bias"], (layers[2].bias + layers[3].bias).detach() / 2)


def test_an_average_is_resumed_from_what_was_saved() -> None:
    whole, started = averaged(*map(layer, range(6))), averaged(*map(layer, range(3)))
    saved = {k: v.clone() for k, v in started.parts(layer(0), best=False)["average"].items()}
    again = Average(first=0)
    again.resume(Progress(step=3), layer(9), lambda name: {"average": saved}[name])
    for step in range(3, 6):
        again.after_step(Progress(step=step + 1), layer(step))
    assert whole.count == again.count == 6
    assert all(torch.equal(mean, again.mean[name]) for name, mean in whole.mean.items())


@pytest.mark.parametrize("patience", [0, 2])
def test_the_best_is_the_first_of_equals(patience: int) -> None:
    keep, progress = Best("accuracy", patience), Progress()
    found = []
    for accuracy in (0.2, 0.5, 0.5, 0.4):
        progress.epoch += 1
        found.append(keep.after_measurement(progress, {"accuracy": accuracy}))
    assert found == [True, True, False, False]
    assert (progress.best_epoch, progress.best) == (2, {"accuracy": 0.5})
    assert progress.end == ("early stopping" if patience else "")


def test_the_best_is_read_back_only_where_a_later_epoch_is_worse() -> None:
    best, last = trained_weights(layer(1)), layer(2)
    read: Mapping[str, Weights] = {"best": best}
    Best("f1").finish(Progress(epoch=3, best_epoch=3), last, none)
    assert torch.equal(last.weight, layer(2).weight)
    Best("f1").finish(Progress(epoch=3, best_epoch=2), last, read.__getitem__)
    assert torch.equal(last.weight, layer(1).weight)


def test_frozen_weights_are_not_among_the_trained() -> None:
    one = layer(1)
    one.bias.requires_grad_(False)
    assert trained_weights(one).keys() == {"weight"}
    other = layer(2)
    set_weights(other, trained_weights(one))
    assert torch.equal(other.weight, one.weight)
    assert torch.equal(other.bias, layer(2).bias)
