"""TensorFlow's checkpoint files, read without TensorFlow.

`NAME.index` is a sorted table of key and value (LevelDB's format, uncompressed): under "" a
BundleHeaderProto, under the name of each tensor a BundleEntryProto that says where its bytes lie
in `NAME.data-00000-of-00001`. The few fields that are needed are decoded here, because the
libraries that do it bring all of TensorFlow, or protobuf from before 2021.
"""

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from wenlu.checkpoints.crc32c import crc32c
from wenlu.checkpoints.region import read_region
from wenlu.errors import CheckpointError
from wenlu.text.files import open_file, read_small

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_INDEX = 32 << 20  # bytes at most; an entry has some 100
_TRAILER = 5  # one byte for the compression, four for the checksum

_TYPES: dict[int, torch.dtype] = {
    1: torch.float32,
    2: torch.float64,
    3: torch.int32,
    4: torch.uint8,
    5: torch.int16,
    6: torch.int8,
    9: torch.int64,
    10: torch.bool,
    14: torch.bfloat16,
    19: torch.float16,
}
"""TensorFlow's numbers of types."""

_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
"""A description of Python objects that some checkpoints hold beside the tensors."""


class _Place(NamedTuple):
    """Where a tensor's bytes lie."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int


def read_bundle(prefix: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint, by name.

    Args:
        prefix: the files' common beginning, such as `bert_model.ckpt`.

    Raises:
        CheckpointError: a file is missing, damaged, or of a kind that is not read.
    """
    index = prefix.with_name(f"{prefix.name}.index")
    try:
        table = _table(read_small(index, _INDEX))
        shards = _shards(next(table))
        places = {name.decode(): _place(value) for name, value in table if name != _GRAPH.encode()}
    except (ValueError, LookupError, struct.error, StopIteration) as error:
        raise CheckpointError(
            f"cannot read {index}: {str(error) or 'it is empty'}. "
            "It is damaged, or no TensorFlow checkpoint."
        ) from error
    data = [
        prefix.with_name(f"{prefix.name}.data-{shard:05d}-of-{shards:05d}")
        for shard in range(shards)
    ]
    absent = [file.name for file in data if not file.exists()]
    if absent:
        raise CheckpointError(
            f"{prefix.parent} lacks {', '.join(absent[:10])}, which {index.name} needs."
        )
    for name, place in places.items():
        _check(name, place, data)
    there = sum(file.stat().st_size for file in data)
    taken = sum(place.size for place in places.values())
    if taken > there:
        raise CheckpointError(
            f"{index}: its tensors would take {taken} bytes, and the files beside it have {there}. "
            "It is damaged; fetch it again."
        )
    return {name: _read(name, place, data) for name, place in places.items()}


def _check(name: str, place: _Place, data: list[Path]) -> None:
    """The tensor lies in its file, and has the size that its shape says."""
    if place.shard >= len(data):
        raise CheckpointError(f"{name} is said to be in shard {place.shard} of {len(data)}.")
    file = data[place.shard]
    elements = math.prod(place.shape)
    if elements * place.dtype.itemsize != place.size:
        raise CheckpointError(
            f"{file}: {name} {place.shape} is said to take {place.size} bytes; "
            f"that would be {elements * place.dtype.itemsize}."
        )
    if place.offset + place.size > file.stat().st_size:
        raise CheckpointError(
            f"{file} ends before {name} does: it has {file.stat().st_size} bytes and should have "
            f"at least {place.offset + place.size}. Fetch or copy it again."
        )


def _read(name: str, place: _Place, data: list[Path]) -> Tensor:
    file = data[place.shard]
    with open_file(file) as opened:
        tensor = read_region(opened, file, place.offset, place.shape, place.dtype)
    if crc32c(tensor.reshape(-1).view(torch.uint8).numpy()) != place.checksum:
        raise CheckpointError(
            f"{file} is damaged: the checksum of {name} does not fit. Fetch it again."
        )
    return tensor


def _shards(header: tuple[bytes, bytes]) -> int:
    """Decode a BundleHeaderProto."""
    name, message = header[0], _Message(header[1])
    if name or message.number(2):
        raise ValueError("it has no header" if name else "its numbers are big-endian")
    shards = message.number(1)
    if not 0 < shards < 100_000:
        raise ValueError(f"it speaks of {shards} shards")
    return shards


def _place(value: bytes) -> _Place:
    """Decode a BundleEntryProto."""
    message = _Message(value)
    if message.parts(7):
        raise ValueError("it holds tensors in slices, which are not read")
    kind = message.number(1)
    if kind not in _TYPES:
        raise ValueError(f"it holds tensors of type {kind}, which are not read")
    shape = tuple(
        _Message(axis).number(1) for part in message.parts(2) for axis in _Message(part).parts(2)
    )
    if not all(0 <= size < 1 << 40 for size in shape):
        raise ValueError(f"it holds a tensor of shape {shape}")
    shard, offset, size, checksum = (message.number(field) for field in (3, 4, 5, 6))
    return _Place(_TYPES[kind], shape, shard, offset, size, _unmask(checksum))


class _Message:
    """A protocol buffer; fields that are not there count as 0 or empty."""

    def __init__(self, encoded: bytes) -> None:
        self.fields = list(_fields(encoded))

    def number(self, field: int) -> int:
        """The number in a field."""
        values = [value for key, value in self.fields if key == field and isinstance(value, int)]
        return values[-1] if values else 0

    def parts(self, field: int) -> list[bytes]:
        """The messages in a repeated field."""
        return [value for key, value in self.fields if key == field and isinstance(value, bytes)]


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protocol buffer: number and value."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        value: int | bytes
        if kind == 0:
            value, at = _varint(message, at)
        elif kind == 2:
            size, at = _varint(message, at)
            value, at = message[at : at + size], at + size
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, at = int.from_bytes(message[at : at + size], "little"), at + size
        else:
            raise ValueError(f"a field of kind {kind} in an entry")
        if at > len(message):
            raise ValueError("an entry breaks off")
        yield tag >> 3, value


def _table(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The keys and values of a sorted table."""
    if len(content) < _FOOTER or struct.unpack("<Q", content[-8:])[0] != _MAGIC:
        raise ValueError("it does not end as an index does")
    footer = content[-_FOOTER:]
    at = 0
    for _ in range(2):  # the place of the metaindex, which is empty
        _, at = _varint(footer, at)
    for _, handle in _block(content, footer[at:]):
        yield from _block(content, handle)


def _block(content: bytes, handle: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The keys and values of one block; a key says how much it shares with the one before."""
    start, at = _varint(handle, 0)
    size, _ = _varint(handle, at)
    stop = start + size
    if stop + _TRAILER > len(content) - _FOOTER or size < 4:
        raise ValueError("it breaks off")
    kind, stored = struct.unpack("<BI", content[stop : stop + _TRAILER])
    if kind:
        raise ValueError(f"it is compressed (kind {kind}), which is not read")
    if _unmask(stored) != crc32c(np.frombuffer(content, np.uint8, size + 1, start)):
        raise ValueError("a checksum does not fit")
    restarts = struct.unpack("<I", content[stop - 4 : stop])[0]
    block = content[start : stop - 4 * (restarts + 1)]
    key, at = b"", 0
    while at < len(block):
        shared, at = _varint(block, at)
        rest, at = _varint(block, at)
        length, at = _varint(block, at)
        if shared > len(key) or at + rest + length > len(block):
            raise ValueError("a key breaks off")
        key = key[:shared] + block[at : at + rest]
        at += rest + length
        yield key, block[at - length : at]


def _unmask(stored: int) -> int:
    """The checksum that is stored rotated and moved."""
    moved = stored - 0xA282EAD8 & 0xFFFFFFFF
    return (moved >> 17 | moved << 15) & 0xFFFFFFFF


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        byte = content[at]
        value, at = value | (byte & 127) << shift, at + 1
        if byte < 128:
            return value, at
    raise ValueError("a number does not end")
