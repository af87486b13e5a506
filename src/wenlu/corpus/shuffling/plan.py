"""How a shuffle is going to be done: passes, buckets, memory, disk."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from wenlu.corpus.compressed import COMPRESSIONS, open_bytes
from wenlu.corpus.shuffling.buckets import RECORD, SIDE
from wenlu.corpus.shuffling.inputs import Inputs
from wenlu.errors import ConfigError, RunError

_MIB = 1 << 20
_EXPANSION = 5  # of compressed text, more or less
_MOST_BITS = 12
_BUCKET = 32 * _MIB  # more are not faster: what counts is to use the same memory again and again
_SEGMENT = _MIB  # of a block that goes to one bucket
_WHOLE = 256 * _MIB
"""Of what takes more, two passes are faster than one even where there is memory for all of it: they
use the same buffers again and again, and new memory costs more than a temporary file that is gone
before it reaches the disk."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How a shuffle is going to be done."""

    files: int

    bytes: int | None
    """Of all files, decompressed; an estimate if some are compressed, None if it is unknown."""

    memory: int
    """Bytes that the process may take."""

    free: int
    """Bytes of these that are left for records."""

    threads: int

    passes: int
    """1 if all is sorted in memory at once, else 2; if nobody knows before the first pass, 2."""

    bits: int
    """The logarithm of the number of buckets."""

    whole: int
    """Bytes of the buffer that all is to fit into; 0 if it will not, or had better not."""

    block: int
    """Bytes of the buffers of the first pass."""

    most: int
    """Records that a block may have."""

    bucket: int
    """Bytes of memory that a bucket may take in the second pass."""

    disk: int | None
    """Bytes of disk that are needed at a time, beside the input; None if unknown."""

    engine: str = "local"
    """Where it is done: `local` or `ray`."""

    resumable: bool = False
    """Whether it can be resumed if it is stopped."""

    @property
    def buckets(self) -> int:
        """How many there are; 0 if all fits into memory."""
        return 1 << self.bits if self.passes > 1 else 0

    def __str__(self) -> str:
        size = "of unknown size" if self.bytes is None else _size(self.bytes)
        text = f"{self.files:,} file{'' if self.files == 1 else 's'}, {size}; "
        disk = "unknown" if self.disk is None else _size(self.disk)
        if self.engine == "ray":
            return text + (
                f"on Ray: a count and 2 passes; {self.threads} task"
                f"{'' if self.threads == 1 else 's'} at a time, at most {_size(self.memory)} of "
                f"memory for each, disk needed {disk}"
            )
        if self.passes == 1:
            text += "1 pass: all fits into memory"
        else:
            text += f"2 passes, {self.buckets} buckets"
        if self.resumable:
            text += ", and --resume goes on if it is stopped"
        return text + (
            f"; {self.threads} thread{'' if self.threads == 1 else 's'}, at most "
            f"{_size(self.memory)} of memory, disk needed {disk}"
        )


def make_plan(
    inputs: Inputs,
    *,
    memory: int,
    threads: int | None,
    to_file: bool,
    same_disk: bool,
    room: int,
    separator: int,
) -> Plan:
    """Decide how to shuffle.

    Args:
        inputs: what is shuffled.
        memory: bytes that the process may take.
        threads: how many; None for two, or one where there is one processor.
        to_file: whether the output goes to the disk.
        same_disk: whether the temporary files are on the disk of the output.
        room: bytes that are free for temporary files.
        separator: how many bytes it has, which may be added to each file.
    """
    threads = min(2, os.cpu_count() or 1) if threads is None else threads
    if threads < 1:
        raise ConfigError(f"threads must be 1 or more; got {threads}")
    taken = resident() + (16 + 6 * threads) * _MIB
    free = memory - taken
    if free < 8 * _MIB * threads:
        least = (taken + 8 * _MIB * threads) // _MIB + 1
        raise ConfigError(
            f"{_size(memory)} of memory is too little: the program itself takes "
            f"{_size(resident())}. Give at least {least} MiB."
        )
    size, length = inputs.size, _sample_length(inputs)
    if size is not None:
        size += inputs.compressed * (_EXPANSION - 1)
    bucket = free // threads - 4 * _MIB
    block = min((free - 4 * _MIB * threads) // (2 * threads + 1), 1 << 30)
    if size is None or inputs.compressed:
        most = int(free * 0.4)
        whole = min(most, _WHOLE) if most <= room else most
    else:
        added = separator * (len(inputs.files) + 1) + 1
        whole = size + added if size * (1 + RECORD / length) + added < 0.95 * free else 0
    bits = 8
    if size is not None:
        each = min(0.85 * bucket, max(_BUCKET, size / 64))
        needed = max(2.0, size * (1 + RECORD / length) / each)
        bits = min(_MOST_BITS, int(needed - 1e-9).bit_length())
    block = min(block, max(_BUCKET, _SEGMENT << bits))
    disk = _disk(size, length, 1 << bits, threads, to_file and same_disk)
    if whole > _WHOLE and disk is not None and disk <= room:
        whole = 0
    one = size is not None and size < whole
    if one:
        disk = size if to_file else 0
    return Plan(
        files=len(inputs.files),
        bytes=size,
        memory=memory,
        free=free,
        threads=threads,
        passes=1 if one else 2,
        bits=bits,
        whole=whole,
        block=block,
        most=block // RECORD,
        bucket=bucket,
        disk=disk,
    )


def check_disk(plan: Plan, folder: Path) -> None:
    """Refuse to begin if the disk has less room than the plan needs."""
    room = shutil.disk_usage(folder).free
    if plan.disk is not None and plan.disk > room:
        raise RunError(
            f"not enough room in {folder}: about {_size(plan.disk)} are needed and "
            f"{_size(room)} are free. Nothing was written; free some space, or give a folder on "
            "another disk as --temp."
        )


def resident() -> int:
    """Bytes of memory that the process takes now."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource
        import sys

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def _disk(
    size: int | None, length: float, buckets: int, threads: int, output_too: bool
) -> int | None:
    """What two passes need at a time."""
    if size is None:
        return None
    temporary = int(size * (1 + SIDE.itemsize / length))
    growing = size * (threads + 1) // buckets  # buckets go as the output grows
    return temporary + (growing if output_too else 0)


def _sample_length(inputs: Inputs) -> float:
    """How long a record is, more or less."""
    for path, size in zip(inputs.files, inputs.sizes, strict=True):
        if path.suffix.lower() not in COMPRESSIONS and size:
            with open_bytes(path) as file:
                sample = file.read(1 << 18)
            if sample:
                return len(sample) / max(1, sample.count(b"\n"))
    return 100.0


def _size(count: int) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count} bytes"
