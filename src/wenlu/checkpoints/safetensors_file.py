"""The safetensors format, read: 8 bytes with the length of a JSON header, the header, the tensors.

The library of that name maps the file. We copy, each tensor into memory of its own: see `region`.
"""

import json
import math
import os
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from wenlu.checkpoints.region import read_region
from wenlu.errors import CheckpointError
from wenlu.text.files import open_file

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}

_HEADER = 16 << 20
"""Bytes of a header at most; a model of 100,000 tensors has 10 MB."""


class _Place(NamedTuple):
    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    begin: int
    end: int


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """The tensors of one file, by name.

    Raises:
        CheckpointError: the file is damaged: its tensors must fill it without gap or overlap.
    """
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, _HEADER):
            raise _damaged(path, f"its header would have {length} bytes")
        try:
            header = json.loads(file.read(length))
            places = _places(header, size - 8 - length)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise _damaged(path, f"its header is wrong ({str(error)[:200]})") from None
        first = 8 + length
        return {
            place.name: read_region(file, path, first + place.begin, place.shape, place.dtype)
            for place in places
        }


def _places(header: dict[str, Any], size: int) -> list[_Place]:
    """Where each tensor lies, in order; ValueError or the like if they do not fill `size` bytes."""
    places = [_place(name, **entry) for name, entry in header.items() if name != "__metadata__"]
    places.sort(key=lambda place: (place.begin, place.end))
    at = 0
    for place in places:
        taken = math.prod(place.shape) * place.dtype.itemsize
        if place.begin != at or place.end - place.begin != taken:
            raise ValueError(f"{place.name} {place.shape} does not fit its place")
        at = place.end
    if at != size:
        raise ValueError(f"its tensors take {at} bytes, and it has {size}")
    return places


def _place(name: str, dtype: str, shape: list[int], data_offsets: list[int]) -> _Place:
    begin, end = data_offsets
    if len(shape) > 8:
        raise ValueError(f"{name} has {len(shape)} axes")
    axes = tuple(map(_count, shape))
    return _Place(name, _DTYPES[dtype], axes, _count(begin), _count(end))


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 48:
        raise ValueError(f"{value!r} is no size")
    return value


def _damaged(path: Path, why: str) -> CheckpointError:
    return CheckpointError(
        f"cannot read {path}: {why}. It is damaged or incomplete; fetch or copy it again."
    )
