"""Whether freed memory is kept for the next step or handed back to the system.

Every step needs the same large tensors again. glibc returns blocks of over 32 MB to the system as
soon as they are freed, and getting them back costs a page fault every 4 KB: up to a third of the
processor time of a training step on long texts. But what is kept is full of holes that tensors of
other sizes do not fill, so a run that recomputes its activations to save memory hands it back.
"""

import ctypes
import os
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -3, -4, -8
_LARGE = 2**20
"""Bytes from which on a block is handed back as soon as it is freed, where memory matters."""


_decided = False


def keep_freed_memory() -> bool:
    """Ask the allocator to keep what is freed, for the rest of the process.

    The first call of this or the other function in a process decides.

    Returns:
        Whether the allocator was told: it is glibc's, and had not been told before.
    """
    # One arena, which grows by brk and is not trimmed: what any thread frees, any can reuse.
    return _tell((_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1), (_ARENA_MAX, 1))


def return_freed_memory() -> bool:
    """Ask the allocator to hand back every large block at once; otherwise as the other.

    PyTorch is told to take large blocks in large pages, which makes getting them anew cheaper. It
    listens until it makes its first large tensor, so this is to be called before there is a model.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    return _tell((_MMAP_THRESHOLD, _LARGE))  # fixed: by itself, glibc lets it grow to 32 MB


def _tell(*wishes: tuple[int, int]) -> bool:
    global _decided
    if _decided or not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    _decided = True
    told = [mallopt(*wish) for wish in wishes]
    return all(told)
