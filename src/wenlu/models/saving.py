"""Models into folders that load anywhere."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from wenlu.checkpoints import Notes, expressible, write_huggingface, write_wenlu
from wenlu.checkpoints.skeleton import PARTS, parts_in, skeleton
from wenlu.errors import CheckpointError
from wenlu.models.parts import config_of, descriptions, parts_of
from wenlu.nn import TransformerConfig
from wenlu.text import Tokenizer


def save(
    folder: str | PathLike[str],
    model: nn.Module | Mapping[str, nn.Module],
    tokenizer: Tokenizer,
    *,
    labels: list[str] | None = None,
    extra: dict[str, Any] | None = None,
    layout: str | None = None,
    half: bool = False,
) -> Path:
    """Write a folder that `load` reads, and `transformers` too where it has the family.

    Args:
        folder: must not exist, or be empty; appears whole or not at all.
        model: a module whose submodules are the parts, or the parts by name. One of them is a
            `Transformer` called `encoder`. `docs/add-a-head.md` tells of parts of your own.
        tokenizer: goes into the same folder.
        labels: names of the classes, in their order.
        extra: what else to keep beside the weights.
        layout: "hf" or "wenlu"; by default "hf" if that can hold the model exactly.
        half: store matrices as float16, in half the space and in our layout; `load` makes them
            float32 again.

    Raises:
        CheckpointError: "hf" was asked for and cannot hold this model, or float16 cannot hold one
            of its weights.
        ConfigError: there is no encoder, or a part of its configuration cannot be saved.
    """
    parts = parts_of(model)
    state = (nn.ModuleDict(parts) if isinstance(model, Mapping) else model).state_dict()
    notes = Notes(
        labels=None if labels is None else list(labels),
        pooling=getattr(model, "pooling", None),
        extra=extra or {},
        parts=descriptions(parts),
    )
    tensors = {name: tensor.detach().cpu() for name, tensor in state.items()}
    return write(folder, config_of(parts), tensors, notes, tokenizer, layout=layout, half=half)


def write(
    folder: str | PathLike[str],
    config: TransformerConfig,
    tensors: Mapping[str, Tensor],
    notes: Notes,
    tokenizer: Tokenizer,
    *,
    layout: str | None = None,
    half: bool = False,
) -> Path:
    """Write what a model consists of, as `save` does: its configuration, tensors and notes."""
    if len(tokenizer) > config.vocabulary:
        raise CheckpointError(
            f"the vocabulary has {len(tokenizer)} tokens, but the model has vectors for "
            f"{config.vocabulary}; it is another model's"
        )
    if half:
        if layout == "hf":
            raise CheckpointError("float16 is for the wenlu layout; ask for that one with it")
        layout = "wenlu"
        exact = skeleton(config).constants  # such as rotary frequencies
        tensors = {n: t if n in exact else _halved(n, t) for n, t in tensors.items()}
    obstacle = expressible(config, tensors)
    others = sorted(parts_in(tensors).difference(PARTS))
    if others:
        obstacle = f"the head {', '.join(others)} has no place there"
    if layout == "hf" and obstacle is not None:
        raise CheckpointError(f"the Hugging Face layout cannot hold this model: {obstacle}")
    ours = layout == "wenlu" or obstacle is not None
    (write_wenlu if ours else write_huggingface)(
        folder, config=config, tensors=tensors, notes=notes, also=tokenizer.save
    )
    return Path(folder)


def _halved(name: str, tensor: Tensor) -> Tensor:
    """Matrices as float16. Vectors stay: they take no space."""
    if tensor.ndim < 2 or not tensor.is_floating_point():
        return tensor
    halved = tensor.half()
    if not halved.isfinite().all():
        raise CheckpointError(f"{name} holds numbers that float16 cannot hold; save it in float32")
    return halved
