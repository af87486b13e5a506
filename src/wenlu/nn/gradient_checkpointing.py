"""Gradient checkpointing: keep what enters a module, and compute the rest again going backwards.

Activations fill most of the memory while training. The backward pass can compute them again, one
module at a time, for at most the time of one more forward pass. The second pass draws the same
random numbers and does the same arithmetic, so loss and gradients are bit-identical.

Paper: "Training Deep Nets with Sublinear Memory Cost".
"""

from collections.abc import Callable, Iterable
from typing import Any, cast
from weakref import ref

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from wenlu.errors import ConfigError
from wenlu.nn.block import Block
from wenlu.nn.cache import LayerCache
from wenlu.nn.transformer import Transformer

Parts = Callable[[Block], list[nn.Module]]
"""Which modules of a block are checkpointed, each on its own."""


def whole_block(block: Block) -> list[nn.Module]:
    """The block as one: only its input is kept."""
    return [block]


def both_halves(block: Block) -> list[nn.Module]:
    """Attention and feed-forward: their inputs are kept, and what stands between them.

    The matrix product that each ends with, 5/12 of the work of all matrices, is not done again.
    """
    return [block.attention, block.feed_forward]


def attention_only(block: Block) -> list[nn.Module]:
    """Attention, the part whose memory grows with the square of the length."""
    return [block.attention]


PARTS: dict[str, tuple[Parts, str]] = {
    "halves": (both_halves, "attention and feed-forward, one by one: saves much for little time"),
    "block": (whole_block, "whole blocks: saves most, and takes longest"),
    "attention": (attention_only, "attention only: saves less, and most of that on long texts"),
}


def enable_gradient_checkpointing(
    model: nn.Module, *, every: int = 1, parts: Parts = both_halves
) -> None:
    """Checkpoint the blocks of each `Transformer` in `model`.

    Names, weights and results stay the same. A later call replaces the settings of an earlier one.
    Without gradients, or with a cache (a second pass would extend it twice), modules run as usual.
    Weights must not change between a forward pass and its backward pass.

    Args:
        model: a `Transformer`, or a module that holds one.
        every: checkpoint layers 0, `every`, 2·`every`, ...; the others keep their activations.
        parts: what is checkpointed as one; a function from `PARTS`.
    """
    if every < 1:
        raise ConfigError(f"every must be at least 1, which checkpoints all layers; got {every}")
    disable_gradient_checkpointing(model)
    for transformer in _transformers(model):
        chosen = [layer % every == 0 for layer in range(transformer.config.layers)]
        own = len(transformer.blocks)
        for index, block in enumerate(cast(Iterable[Block], transformer.blocks)):
            turns = chosen[index::own]  # the layers that this block is: one, or all if shared
            if any(turns):
                for module in parts(block):
                    module.forward = _Checkpointed(module, turns)


def disable_gradient_checkpointing(model: nn.Module) -> None:
    """Undo `enable_gradient_checkpointing`."""
    for transformer in _transformers(model):
        for module in transformer.modules():
            if isinstance(module.forward, _Checkpointed):
                del module.forward  # uncovers the method of its class


def _transformers(model: nn.Module) -> list[Transformer]:
    found = [module for module in model.modules() if isinstance(module, Transformer)]
    if not found:
        raise ConfigError(f"{type(model).__name__} holds no Transformer whose blocks to checkpoint")
    return found


class _Checkpointed:
    """Stands in for the `forward` of one module, so that all names stay.

    Args:
        module: what is checkpointed. It holds this object, so this object holds it weakly: a model
            must be freed when its last user drops it, not when Python next looks for cycles.
        turns: whether to checkpoint, for each of its calls in one pass through the model.
    """

    def __init__(self, module: nn.Module, turns: list[bool]) -> None:
        self.module, self.turns, self.calls = ref(module), turns, 0

    def __call__(self, *given: Any, **named: Any) -> Tensor:  # noqa: ANN401
        module = cast(nn.Module, self.module())
        training = module.training

        def forward(*given: Any, **named: Any) -> Tensor:  # noqa: ANN401
            if module.training != training:
                raise ConfigError(
                    "train() or eval() was called between a forward pass and its backward pass, "
                    "but gradient checkpointing runs the model in between; call it after the "
                    "backward pass"
                )
            return type(module).forward(module, *given, **named)

        cached = any(isinstance(value, LayerCache) for value in (*given, *named.values()))
        if cached or not torch.is_grad_enabled():
            return forward(*given, **named)
        wanted = self.turns[self.calls % len(self.turns)]
        self.calls += 1
        if not wanted:
            return forward(*given, **named)
        return checkpoint(forward, *given, use_reentrant=False, preserve_rng_state=True, **named)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy or a pickle of the module gets one that stands in for the copy's."""
        return _Checkpointed, (self.module(), self.turns)
