"""Weights of a checkpoint become those of a module: assigned, not copied."""

from itertools import chain

import torch
from torch import Tensor, nn

from wenlu.checkpoints import Checkpoint
from wenlu.errors import CheckpointError, closest


def fill(module: nn.Module, checkpoint: Checkpoint) -> None:
    """Give a module that was made without weights those of the checkpoint.

    Weights that the module has tied stay tied; no others share memory. What the checkpoint has
    for parts that the module lacks is left out.

    Raises:
        CheckpointError: a tensor is missing or has another shape.
    """
    wanted = module.state_dict(keep_vars=True)
    filled: dict[int, Tensor] = {}
    for name, old in wanted.items():
        tensor = _find(checkpoint, name, old)
        if id(old) in filled and not torch.equal(filled[id(old)], tensor):
            raise CheckpointError(
                f"{checkpoint.source}: {name} differs from the tensor that it is tied to"
            )
        new = filled.setdefault(id(old), _like(old, tensor))
        owner, _, own = name.rpartition(".")
        setattr(module.get_submodule(owner), own, new)
    for name, left in chain(module.named_parameters(), module.named_buffers()):
        if left.is_meta and torch.get_default_device().type != "meta":
            raise CheckpointError(
                f"{name} is made with torch.empty and is not in the state dict, so it would have "
                "no values; make it with torch.zeros, or as a buffer that is saved"
            )


def _like(old: Tensor, tensor: Tensor) -> Tensor:
    """The tensor as what it takes the place of."""
    tensor = tensor.to(torch.get_default_device(), old.dtype)
    if isinstance(old, nn.Parameter):
        return nn.Parameter(tensor, requires_grad=old.requires_grad)
    return tensor


def _find(checkpoint: Checkpoint, name: str, like: Tensor) -> Tensor:
    tensor = checkpoint.tensors.get(name)
    if tensor is None:
        raise CheckpointError(
            f"{checkpoint.source} has no tensor {name!r}; the closest are "
            f"{closest(name, list(checkpoint.tensors)[:1_000])}"
        )
    if tensor.shape != like.shape:
        raise CheckpointError(
            f"{checkpoint.source}: {name} is {tuple(tensor.shape)}; its configuration asks for "
            f"{tuple(like.shape)}"
        )
    return tensor
