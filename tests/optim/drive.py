"""Runs optimizers on gradients that are given, not computed."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import Parameter
from torch.optim.optimizer import Optimizer

Make = Callable[[list[Parameter]], Optimizer]
SHAPES = ((5, 3), (3,), (), (2, 4, 3))


def parameters(
    *shapes: Sequence[int], dtype: torch.dtype = torch.float64, seed: int = 0
) -> list[Parameter]:
    generator = torch.Generator().manual_seed(seed)
    return [
        Parameter(torch.randn(tuple(shape), generator=generator, dtype=torch.float64).to(dtype))
        for shape in shapes or SHAPES
    ]


def random_gradients(
    steps: int, like: Sequence[Tensor], *, seed: int = 1
) -> list[list[Tensor | None]]:
    generator = torch.Generator().manual_seed(seed)
    return [
        [torch.randn(p.shape, generator=generator, dtype=torch.float64).to(p.dtype) for p in like]
        for _ in range(steps)
    ]


def drive(
    optimizer: Optimizer, moving: Sequence[Parameter], gradients: Iterable[Sequence[Tensor | None]]
) -> list[list[Tensor]]:
    """A step for each row of gradients; the parameters after each."""
    seen = []
    for row in gradients:
        for parameter, gradient in zip(moving, row, strict=True):
            parameter.grad = gradient
        optimizer.step()
        seen.append([parameter.detach().clone() for parameter in moving])
    return seen


def group_means(gradients: Sequence[Sequence[Tensor | None]], k: int) -> list[list[Tensor | None]]:
    """What ordinary accumulation hands on: missing gradients count as zero, unless all are."""
    means: list[list[Tensor | None]] = []
    for start in range(0, len(gradients), k):
        columns = zip(*gradients[start : start + k], strict=True)
        given = [[gradient for gradient in column if gradient is not None] for column in columns]
        means.append([torch.stack(some).sum(0) / k if some else None for some in given])
    return means


def with_gaps(
    gradients: Sequence[Sequence[Tensor | None]], share: float = 0.5
) -> list[list[Tensor | None]]:
    """The same without some of them; the first of each row stays."""
    generator = torch.Generator().manual_seed(2)
    return [
        [row[0], *(None if torch.rand((), generator=generator) < share else g for g in row[1:])]
        for row in gradients
    ]


def saved_and_restored(optimizer: Optimizer, other: Optimizer, file: Path) -> None:
    """Hand over as checkpoints do: tensors of `state` alone, through a file."""
    tensors = {
        f"{index}.{name}": value
        for index, slots in optimizer.state_dict()["state"].items()
        for name, value in slots.items()
    }
    save_file(tensors, file)
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in load_file(file).items():
        index, name = key.split(".")
        state.setdefault(int(index), {})[name] = tensor
    groups = other.state_dict()["param_groups"]
    other.load_state_dict({"state": state, "param_groups": groups})


def state_bytes(optimizer: Optimizer) -> int:
    return sum(
        value.numel() * value.element_size()
        for slots in optimizer.state.values()
        for value in slots.values()
    )
