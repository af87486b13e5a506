"""Tensors as they are stored: safetensors or PyTorch's `.bin`, whole or in shards; no code runs."""

import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from wenlu.errors import CheckpointError

WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
"""Files that hold the weights or list their shards; the first that is there is read."""


def find_weights(folder: Path) -> Path | None:
    """The file of `WEIGHTS` that would be read."""
    return next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)


def read_weights(folder: Path) -> dict[str, Tensor]:
    """All stored tensors of a folder, by their stored names."""
    file = find_weights(folder)
    if file is None:
        there = ", ".join(sorted(path.name for path in folder.iterdir())[:20]) or "nothing"
        raise CheckpointError(
            f"{folder} has no weights: looked for {', '.join(WEIGHTS)}; found {there}."
        )
    return _read_shards(file) if file.suffix == ".json" else _read(file)


def read_safetensors(file: Path) -> dict[str, Tensor]:
    """The tensors of one safetensors file; its header is checked against its size."""
    try:
        with safe_open(file, framework="pt", device="cpu") as opened:
            return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"cannot read {file}: {error}. It is damaged or incomplete; fetch or copy it again."
        ) from error


def read_json(file: Path) -> dict[str, Any]:
    """The object that a JSON file holds."""
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CheckpointError(f"cannot read {file}: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{file} is not valid JSON: {error}.") from error
    if not isinstance(content, dict):
        raise CheckpointError(
            f"{file} must hold a JSON object; it holds a {type(content).__name__}."
        )
    return content


def _read(file: Path) -> dict[str, Tensor]:
    return read_safetensors(file) if file.suffix == ".safetensors" else _read_bin(file)


def _read_bin(file: Path) -> dict[str, Tensor]:
    """A `.bin` file, read as data alone: a pickle that asks for code is refused."""
    try:
        content = torch.load(
            file, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(file)
        )
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{file} is refused: reading it would run code that it brings along, or it is damaged "
            f"({str(error).splitlines()[0]}). Ask for a .safetensors file."
        ) from error
    except (RuntimeError, OSError, EOFError, ValueError, LookupError, TypeError) as error:
        raise CheckpointError(
            f"cannot read {file}: {str(error).splitlines()[0] if str(error) else type(error)}. "
            "It is damaged or incomplete; fetch or copy it again."
        ) from error
    if not isinstance(content, dict):
        raise CheckpointError(
            f"{file} must hold tensors by name; it holds a {type(content).__name__}."
        )
    for name, tensor in content.items():
        if not isinstance(name, str) or type(tensor) not in (Tensor, torch.nn.Parameter):
            raise CheckpointError(
                f"{file} must hold tensors by name; under {name!r} it holds a "
                f"{type(tensor).__name__}. Save the model's state_dict() alone."
            )
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta:
            raise CheckpointError(f"{file}: {name} is not an ordinary dense tensor.")
    return {name: tensor.detach() for name, tensor in content.items()}


def _read_shards(index: Path) -> dict[str, Tensor]:
    """The shards that an index lists; they must lie beside it."""
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise CheckpointError(f"{index} has no weight_map that says where each tensor is.")
    for name, shard in places.items():
        if not isinstance(shard, str) or not _plain(shard):
            raise CheckpointError(
                f"{index} places {name} in {shard!r}; shards must be .safetensors or .bin files "
                "in the same folder."
            )
    files = sorted(set(places.values()))
    absent = [shard for shard in files if not (index.parent / shard).is_file()]
    if absent:
        raise CheckpointError(
            f"{index.parent} lacks {len(absent)} of {len(files)} shards: {', '.join(absent[:10])}."
        )
    tensors: dict[str, Tensor] = {}
    for shard in files:
        stored = _read(index.parent / shard)
        listed = {name for name, place in places.items() if place == shard}
        if listed != stored.keys():
            odd = sorted(listed ^ stored.keys())
            raise CheckpointError(
                f"{index} and {shard} disagree on {len(odd)} tensors: {', '.join(odd[:10])}."
            )
        tensors |= stored
    return tensors


def _plain(name: str) -> bool:
    """Whether it is a bare file name of a kind that may hold weights."""
    inside = name not in ("", ".", "..") and not set(name) & set("/\\:\0")
    return inside and name.endswith((".safetensors", ".bin"))
