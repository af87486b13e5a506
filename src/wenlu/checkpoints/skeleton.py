"""Modules whose weights have shapes and no memory yet: what a checkpoint must hold."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from wenlu.errors import CheckpointError, ConfigError
from wenlu.nn import Transformer, TransformerConfig
from wenlu.nn.heads import MaskedLanguageHead, Pooler

Shape = tuple[int, ...]

PARTS = ("encoder", "pooler", "mlm", "nsp", "classifier")
"""The parts that have a place in other libraries' layouts; all but the encoder are heads."""


_LEAST = 4
"""Tensors of a layer at least. A configuration that says more is refused before it is built."""


class WithoutWeights(TorchFunctionMode):
    """Modules that are made inside get their weights on the `meta` device.

    `torch.empty`, which all layers of PyTorch make their weights with, takes no memory there and
    their initialisation no time. What is worked out, such as a table of sinusoids, is worked out:
    that no checkpoint holds.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        del types
        kwargs = dict(kwargs or {})
        if func is torch.empty and kwargs.get("device") is None:
            kwargs["device"] = "meta"
        if func in _FILLING or getattr(func, "__module__", "") == nn.init.__name__:
            weight = kwargs["tensor"] if "tensor" in kwargs else args[0]
            if weight.is_meta:
                return weight
        return func(*args, **kwargs)


_FILLING = {
    getattr(Tensor, name)
    for name in ("uniform_", "normal_", "erfinv_", "mul_", "add_", "clamp_", "fill_", "zero_")
}
"""What weights are first filled with. Without memory it does nothing, and takes its time for it."""


class Skeleton(NamedTuple):
    """A complete model of ours without weights: the encoder and all standard heads."""

    shapes: dict[str, Shape]
    """Name -> shape of each tensor."""
    constants: dict[str, Tensor]
    """Those of them that the configuration determines (rotary frequencies)."""


def skeleton(config: TransformerConfig, labels: int = 2) -> Skeleton:
    """A complete model with this encoder, and a classifier with that many labels."""
    with WithoutWeights():
        parts = nn.ModuleDict(
            {
                "encoder": Transformer(config),
                "pooler": Pooler(config.width),
                "mlm": MaskedLanguageHead(config),
                "nsp": nn.Linear(config.width, 2),
                "classifier": nn.Linear(config.width, labels),
            }
        )
    state = parts.state_dict(keep_vars=True)
    return Skeleton(
        {name: tuple(tensor.shape) for name, tensor in state.items()},
        {name: kept for name, kept in state.items() if not isinstance(kept, nn.Parameter)},
    )


def skeleton_for(
    tensors: Mapping[str, Tensor], config: TransformerConfig, source: object, *, bias: str
) -> Skeleton:
    """The skeleton that stored tensors are to be held to.

    Args:
        tensors: what is stored.
        config: what is stored beside.
        source: where, for messages.
        bias: the stored name of the classifier's bias, which tells the number of labels.

    Raises:
        CheckpointError: there are too few tensors for so many layers, or parts do not fit together.
    """
    if config.own_blocks * _LEAST > len(tensors):
        raise CheckpointError(
            f"{source}: the configuration says {config.layers} layers, but there are only "
            f"{len(tensors)} tensors. Fetch the files that belong together."
        )
    rows = tensors.get(bias)
    try:
        return skeleton(config, len(rows) if rows is not None and rows.dim() == 1 else 2)
    except ConfigError as error:
        raise CheckpointError(f"{source}: {error}.") from None


def part_of(name: str) -> str:
    """The part of the model that a tensor of ours belongs to."""
    return name.split(".", 1)[0]


def parts_in(names: Collection[str]) -> frozenset[str]:
    """The parts that tensors of these names belong to."""
    return frozenset(map(part_of, names))
