import torch
from torch import nn

from wenlu.training.pretraining.averaging import WeightAverage


def layer(seed: int) -> nn.Linear:
    torch.manual_seed(seed)
    return nn.Linear(3, 4)


def test_the_plain_mean() -> None:
    layers = [layer(seed) for seed in range(7)]
    average = WeightAverage(layers[0])
    for count, one in enumerate(layers, 1):
        average.add(one)
        assert average.count == count
        for name, mean in average.mean.items():
            seen = torch.stack([each.state_dict()[name] for each in layers[:count]])
            torch.testing.assert_close(mean, seen.mean(0), rtol=1e-5, atol=1e-6)


def test_weights_that_stay_are_kept_bit_for_bit() -> None:
    one = layer(1)
    average = WeightAverage(one)
    for _ in range(9):
        average.add(one)
    assert all(torch.equal(mean, one.state_dict()[name]) for name, mean in average.mean.items())


def test_it_goes_on_from_what_was_saved() -> None:
    whole, begun = WeightAverage(layer(0)), WeightAverage(layer(0))
    for seed in range(3):
        whole.add(layer(seed))
        begun.add(layer(seed))
    again = WeightAverage(layer(9))
    again.load({name: tensor.clone() for name, tensor in begun.tensors().items()})
    for seed in range(3, 6):
        whole.add(layer(seed))
        again.add(layer(seed))
    assert whole.count == again.count == 6
    assert all(torch.equal(mean, again.mean[name]) for name, mean in whole.mean.items())


def test_the_module_and_its_gradients_are_left_alone() -> None:
    one = layer(1)
    before = one.weight.clone()
    average = WeightAverage(one)
    average.add(one)
    average.add(layer(2))
    assert torch.equal(one.weight, before)
    assert not any(mean.requires_grad for mean in average.mean.values())
