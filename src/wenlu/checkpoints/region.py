"""A tensor's bytes, copied from a file into memory of its own.

A mapped file would be faster to open, but weights would change when the file is overwritten, and
the process would be killed when it is cut short.
"""

import math
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from wenlu.errors import CheckpointError


def read_region(
    file: BinaryIO, path: Path, offset: int, shape: tuple[int, ...], dtype: torch.dtype
) -> Tensor:
    """The tensor whose bytes stand at `offset`.

    The caller has checked that the file has so many: nothing is allocated for what is not there.
    """
    tensor = torch.empty(math.prod(shape), dtype=dtype, device="cpu")
    room = memoryview(tensor.view(torch.uint8).numpy().data)
    file.seek(offset)
    while room:
        count = file.readinto(room)  # type: ignore[attr-defined]
        if not count:
            raise CheckpointError(f"{path} became shorter while it was read.")
        room = room[count:]
    return tensor.reshape(shape)
