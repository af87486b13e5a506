"""Our own layout: for what another library's layout cannot hold."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wenlu.checkpoints.beside import check_format, read_beside, write_beside
from wenlu.checkpoints.checkpoint import NOTHING, Checkpoint, Notes
from wenlu.checkpoints.configs import made
from wenlu.checkpoints.entry import Entry
from wenlu.checkpoints.folder import new_folder, write_json, write_safetensors
from wenlu.checkpoints.skeleton import PARTS, part_of, skeleton_for
from wenlu.checkpoints.strict import take
from wenlu.checkpoints.weights import read_json, read_weights
from wenlu.errors import CheckpointError
from wenlu.nn import TransformerConfig

FORMAT = 2
"""Version of our configurations. In the first, parts had their settings beside their names."""


def write_wenlu(
    folder: str | PathLike[str],
    *,
    config: TransformerConfig,
    tensors: Mapping[str, Tensor],
    notes: Notes = NOTHING,
    also: Callable[[Path], object] | None = None,
) -> None:
    """Write a model by our own names, whole or not at all.

    Args:
        folder: where; it must not exist, or be empty.
        config: the encoder's.
        tensors: the state dict; heads of any name are kept as they are.
        notes: what to keep beside.
        also: called with the new folder before it appears, to write more into it: `tokenizer.save`.
    """
    fit(config, tensors, Path(folder))
    check_labels(notes.labels, tensors, Path(folder))
    with new_folder(folder) as new:
        own = {"model_type": "wenlu", "wenlu_format": FORMAT, **config.to_dict()}
        write_json(new / "config.json", own)
        write_safetensors(new / "model.safetensors", tensors)
        write_beside(new, {}, notes)
        if also is not None:
            also(new)


def read_wenlu(folder: Path, parts: Iterable[type] = ()) -> Checkpoint:
    """The model in a folder of ours."""
    file = folder / "config.json"
    own = read_json(file)
    check_format(own, file, [1, FORMAT])
    stated = {name: own[name] for name in own if name not in ("model_type", "wenlu_format")}
    first = own["wenlu_format"] == 1
    config = made(_from_first(stated) if first else stated, file, parts)
    tensors = fit(config, read_weights(folder), folder, tables=not first)
    _, notes = read_beside(folder)
    check_labels(notes.labels, tensors, folder)
    return Checkpoint(config=config, tensors=tensors, source=folder, notes=notes)


def _from_first(own: dict[str, Any]) -> dict[str, Any]:
    """The fields of the first format, as they are called now."""
    fields = {name: value for name, value in own.items() if name not in _FIRST}
    base, epsilon = own.get("rotary_base", 10_000.0), own.get("norm_epsilon", 1e-12)
    if fields.get("position") == "rotary":
        fields["position"] = {"name": "rotary", "base": base}
    fields["norm"] = {"name": "layer_norm", "epsilon": epsilon}
    fields["block"] = f"{own.get('norm', 'post')}_norm"
    fields["initial_std"] = own.get("initial_deviation", 0.02)
    return fields


_FIRST = ("rotary_base", "norm_epsilon", "initial_deviation")


def fit(
    config: TransformerConfig, tensors: Mapping[str, Tensor], source: Path, *, tables: bool = True
) -> dict[str, Tensor]:
    """Tensors by our names that fit the configuration.

    Args:
        config: the encoder's.
        tensors: what is stored, or is to be.
        source: where, for messages.
        tables: whether NEZHA's sinusoids are stored; the first format left them to be worked out.
    """
    shapes, constants = skeleton_for(tensors, config, source, bias="classifier.bias")
    if not tables:
        left_out = {name: tensor for name, tensor in constants.items() if name.endswith(".table")}
        tensors = {**left_out, **tensors}
    names = {
        part: [Entry(name, (name,)) for name in shapes if part_of(name) == part] for part in PARTS
    }
    others = {name: tensor for name, tensor in tensors.items() if part_of(name) not in PARTS}
    ours = {name: tensor for name, tensor in tensors.items() if name not in others}
    half = (torch.float16, torch.bfloat16)
    return take(ours, names, shapes, source=source) | {
        name: tensor.float() if tensor.dtype in half else tensor for name, tensor in others.items()
    }


def check_labels(labels: Sequence[str] | None, tensors: Mapping[str, Tensor], source: Path) -> None:
    """As many labels as the classifier has rows."""
    weight = tensors.get("classifier.weight")
    if labels is not None and weight is not None and len(labels) != len(weight):
        raise CheckpointError(
            f"{source}: {len(labels)} labels, but the classifier has {len(weight)} rows."
        )
