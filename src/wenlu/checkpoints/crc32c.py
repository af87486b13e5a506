"""The checksum CRC-32C (Castagnoli), as TensorFlow keeps one of every tensor.

A checksum runs through its bytes one after the other, but it is linear: the bytes are cut into
equal lanes that run side by side in NumPy, two bytes at a step, and the lanes' checksums are
merged pair by pair.
"""

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78  # bits reversed
_LANE = 2048


def _byte_table() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(_POLYNOMIAL), table >> 1)
    return table


_TABLE = _byte_table()
_PAIRS = np.arange(1 << 16, dtype=np.uint32)
for _ in range(2):
    _PAIRS = _TABLE[_PAIRS & 255] ^ _PAIRS >> 8


def crc32c(content: NDArray[np.uint8]) -> int:
    """The checksum of bytes."""
    lanes = len(content) // _LANE
    head = len(content) - lanes * _LANE
    register = 0xFFFFFFFF
    for byte in content[:head].tolist():
        register = int(_TABLE[(register ^ byte) & 255]) ^ register >> 8
    if lanes:
        registers = np.zeros(lanes, np.uint32)
        registers[0] = register
        pairs = np.frombuffer(content[head:].tobytes(), "<u2").reshape(lanes, _LANE // 2)
        for column in np.ascontiguousarray(pairs.T):
            registers = _PAIRS[(registers ^ column) & 0xFFFF] ^ registers >> 16
        register = _merge(registers)
    return register ^ 0xFFFFFFFF


def _merge(registers: NDArray[np.uint32]) -> int:
    """The register after all lanes, from each lane's own, of which all but the first began at 0."""
    shift = _shift_over(_LANE)
    while len(registers) > 1:
        if len(registers) % 2:  # a lane of zeros before the first one changes nothing
            registers = np.concatenate([np.zeros(1, np.uint32), registers])
        registers = _apply(shift, registers[::2]) ^ registers[1::2]
        shift = _apply(shift, shift)
    return int(registers[0])


def _shift_over(count: int) -> NDArray[np.uint32]:
    """What each of a register's 32 bits becomes over so many zero bytes."""
    bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
    for _ in range(count):
        bits = _TABLE[bits & 255] ^ bits >> 8
    return bits


def _apply(matrix: NDArray[np.uint32], registers: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The product of a matrix over two elements with each register."""
    result = np.zeros_like(registers)
    for bit in range(32):
        result ^= np.where(registers >> np.uint32(bit) & 1, matrix[bit], np.uint32(0))
    return result
