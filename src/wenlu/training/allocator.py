"""Keep freed memory for the next step instead of handing it back to the system.

Every step needs the same large tensors again. glibc returns blocks of over 32 MB to the system as
soon as they are freed, and getting them back costs a page fault every 4 KB: up to a third of the
processor time of a training step on long texts.
"""

import ctypes
import sys
from functools import cache

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8


@cache
def keep_freed_memory() -> bool:
    """Ask the allocator to keep what is freed, for the rest of the process.

    Returns:
        Whether there is such an allocator here (glibc's); elsewhere nothing is changed.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    # One arena, which grows by brk and is not trimmed: what any thread frees, any can reuse.
    return all([mallopt(_MMAP_MAX, 0), mallopt(_TRIM_THRESHOLD, 2**31 - 1), mallopt(_ARENA_MAX, 1)])
