"""Writes TensorFlow checkpoints, to the letter of the format and without the code under test."""

import struct
from collections.abc import Mapping
from pathlib import Path

from numpy.typing import NDArray

TYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9, "float16": 19}


def write_bundle(
    prefix: Path, tensors: Mapping[str, NDArray], *, shards: int = 1, block_entries: int = 7
) -> None:
    """Write `prefix.index` and `prefix.data-...`, with `block_entries` keys to a block."""
    data = [bytearray() for _ in range(shards)]
    entries = {b"": varint(1 << 3) + varint(shards) + message(3, varint(1 << 3) + varint(1))}
    for number, (name, tensor) in enumerate(sorted(tensors.items())):
        shard = number * shards // len(tensors)
        content = tensor.tobytes()
        entries[name.encode()] = entry(tensor, shard, len(data[shard]), content)
        data[shard] += content
    for shard, content in enumerate(data):
        Path(f"{prefix}.data-{shard:05d}-of-{shards:05d}").write_bytes(content)
    Path(f"{prefix}.index").write_bytes(table(entries, block_entries))


def entry(tensor: NDArray, shard: int, offset: int, content: bytes) -> bytes:
    axes = b"".join(message(2, varint(1 << 3) + varint(size)) for size in tensor.shape)
    return b"".join(
        [
            varint(1 << 3) + varint(TYPES[str(tensor.dtype)]),
            message(2, axes),
            varint(3 << 3) + varint(shard) if shard else b"",
            varint(4 << 3) + varint(offset) if offset else b"",
            varint(5 << 3) + varint(len(content)),
            varint(6 << 3 | 5) + struct.pack("<I", masked_crc32c(content)),
        ]
    )


def table(entries: Mapping[bytes, bytes], block_entries: int) -> bytes:
    content, index, keys = bytearray(), {}, sorted(entries)
    for start in range(0, len(keys), block_entries):
        some = keys[start : start + block_entries]
        handle = append(content, block({key: entries[key] for key in some}, restart_every=3))
        index[some[-1]] = handle
    metaindex = append(content, block({}, restart_every=3))
    footer = metaindex + append(content, block(index, restart_every=1))
    return bytes(content) + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def append(content: bytearray, new: bytes) -> bytes:
    """Add a block with its trailer, and return its handle."""
    handle = varint(len(content)) + varint(len(new))
    content += new + b"\0" + struct.pack("<I", masked_crc32c(new + b"\0"))
    return handle


def block(entries: Mapping[bytes, bytes], restart_every: int) -> bytes:
    content, restarts, before = bytearray(), [], b""
    for number, (key, value) in enumerate(entries.items()):
        shared = 0
        if number % restart_every == 0:
            restarts.append(len(content))
        else:
            while shared < min(len(before), len(key)) and before[shared] == key[shared]:
                shared += 1
        content += varint(shared) + varint(len(key) - shared) + varint(len(value))
        content += key[shared:] + value
        before = key
    restarts = restarts or [0]
    return bytes(content) + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def message(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    groups = bytearray()
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    return bytes([*groups, value])


def masked_crc32c(content: bytes) -> int:
    """Bit by bit, as the definition has it."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return (crc >> 15 | crc << 17) + 0xA282EAD8 & 0xFFFFFFFF
