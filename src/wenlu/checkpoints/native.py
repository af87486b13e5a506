"""Our own layout: for what another library's layout cannot hold."""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wenlu.checkpoints.beside import FORMAT, check_format, read_beside, write_beside
from wenlu.checkpoints.checkpoint import Checkpoint
from wenlu.checkpoints.entry import Entry
from wenlu.checkpoints.fields import complete
from wenlu.checkpoints.folder import new_folder, write_json, write_safetensors
from wenlu.checkpoints.parameters import PARTS, parameters, part_of
from wenlu.checkpoints.strict import take
from wenlu.checkpoints.weights import read_json, read_weights
from wenlu.errors import CheckpointError


def write_wenlu(
    folder: str | PathLike[str],
    *,
    config: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    labels: Sequence[str] | None = None,
    pooling: str | None = None,
    extra: Mapping[str, Any] | None = None,
    also: Callable[[Path], object] | None = None,
) -> None:
    """Write a model by our own names, whole or not at all.

    Args:
        folder: where; it must not exist, or be empty.
        config: the fields of `TransformerConfig`.
        tensors: the state dict; heads of any name are kept as they are.
        labels: the classifier's labels.
        pooling: what the classifier stands on.
        extra: notes to keep beside the model; what JSON can hold.
        also: called with the new folder before it appears, to write more into it: `tokenizer.save`.
    """
    full = complete(config, Path(folder))
    fit(full, tensors, Path(folder))
    check_labels(labels, tensors, Path(folder))
    own = {"model_type": "wenlu", "wenlu_format": FORMAT, **full}
    with new_folder(folder) as new:
        write_json(new / "config.json", own)
        write_safetensors(new / "model.safetensors", tensors)
        write_beside(new, {}, labels=labels, pooling=pooling, extra=extra)
        if also is not None:
            also(new)


def read_wenlu(folder: Path) -> Checkpoint:
    """The model in a folder of ours."""
    file = folder / "config.json"
    own = read_json(file)
    check_format(own, file)
    stated = {name: own[name] for name in own if name not in ("model_type", "wenlu_format")}
    config = complete(stated, file)
    tensors, heads = fit(config, read_weights(folder), folder)
    notes = read_beside(folder)
    check_labels(notes.labels, tensors, folder)
    return Checkpoint(
        family=config["family"],
        config=config,
        tensors=tensors,
        heads=heads,
        source=folder,
        labels=notes.labels,
        pooling=notes.pooling,
        extra=notes.extra,
    )


def fit(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], source: Path
) -> tuple[dict[str, Tensor], frozenset[str]]:
    """Tensors by our names that fit the configuration, and which heads there are."""
    bias = tensors.get("classifier.bias")
    labels = len(bias) if bias is not None and bias.dim() == 1 else 2
    shapes = parameters(config, labels)
    names = {
        part: [Entry(name, (name,)) for name in shapes if part_of(name) == part] for part in PARTS
    }
    others = {name: tensor for name, tensor in tensors.items() if part_of(name) not in PARTS}
    ours = {name: tensor for name, tensor in tensors.items() if name not in others}
    fitting, heads = take(ours, names, shapes, source=source)
    fitting |= {
        name: tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
        for name, tensor in others.items()
    }
    return fitting, heads | {part_of(name) for name in others}


def check_labels(labels: Sequence[str] | None, tensors: Mapping[str, Tensor], source: Path) -> None:
    """As many labels as the classifier has rows."""
    weight = tensors.get("classifier.weight")
    if labels is not None and weight is not None and len(labels) != len(weight):
        raise CheckpointError(
            f"{source}: {len(labels)} labels, but the classifier has {len(weight)} rows."
        )
