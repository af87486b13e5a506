"""Tensors as they are stored: safetensors or PyTorch's `.bin`, whole or in shards; no code runs."""

import json
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

from torch import Tensor

from wenlu.checkpoints.pickled import read_pickled
from wenlu.checkpoints.safetensors_file import read_safetensors
from wenlu.errors import CheckpointError
from wenlu.text.files import read_small

WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
"""Files that hold the weights or list their shards; the first that is there is read."""


def find_weights(folder: Path) -> Path | None:
    """The file of `WEIGHTS` that would be read."""
    return next((folder / name for name in WEIGHTS if (folder / name).exists()), None)


def read_weights(folder: Path) -> dict[str, Tensor]:
    """All stored tensors of a folder, by their stored names."""
    file = find_weights(folder)
    if file is None:
        there = ", ".join(sorted(path.name for path in folder.iterdir())[:20]) or "nothing"
        raise CheckpointError(
            f"{folder} has no weights: looked for {', '.join(WEIGHTS)}; found {there}."
        )
    return _read_shards(file) if file.suffix == ".json" else _read(file)


def read_json(file: Path) -> dict[str, Any]:
    """The object that a JSON file holds."""
    text = read_small(file)
    try:
        content = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{file} is not valid JSON: {error}.") from None
    if not isinstance(content, dict):
        raise CheckpointError(
            f"{file} must hold a JSON object; it holds a {type(content).__name__}."
        )
    return content


def _read(file: Path) -> dict[str, Tensor]:
    return read_safetensors(file) if file.suffix == ".safetensors" else read_pickled(file)


def _read_shards(index: Path) -> dict[str, Tensor]:
    """The shards that an index lists; they must lie beside it."""
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise CheckpointError(f"{index} has no weight_map that says where each tensor is.")
    for name, shard in places.items():
        if not isinstance(shard, str) or not _plain(shard):
            raise CheckpointError(
                f"{index} places {shortened(name)} in {shortened(shard)}; "
                "shards must be .safetensors or .bin files in the same folder."
            )
    files = sorted(set(places.values()))
    absent = [shard for shard in files if not (index.parent / shard).exists()]
    if absent:
        raise CheckpointError(
            f"{index.parent} lacks {len(absent)} of {len(files)} shards: {', '.join(absent[:10])}."
        )
    tensors: dict[str, Tensor] = {}
    listing: dict[str, set[str]] = {shard: set() for shard in files}
    for name, shard in places.items():
        listing[shard].add(name)
    for shard, listed in listing.items():
        stored = _read(index.parent / shard)
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
