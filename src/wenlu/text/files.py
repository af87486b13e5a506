"""The files of a model folder: regular files only, and of bounded size where they are small.

Such a folder may come from anywhere. A device that never ends, a pipe that nobody writes to and a
Git LFS pointer are one plain error each.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from wenlu.errors import CheckpointError

SMALL = 4 << 20
"""Bytes of a configuration at most."""

VOCABULARY = 32 << 20
"""Bytes of a vocabulary at most; one of 250,000 tokens takes some 10 MB."""

_POINTER = b"version https://git-lfs"
_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@contextmanager
def open_file(path: Path) -> Iterator[BinaryIO]:
    """A regular file, open to be read without a buffer of its own; links are followed.

    Raises:
        CheckpointError: it is not there, cannot be read, is no regular file or a Git LFS pointer.
    """
    try:
        handle = os.open(path, os.O_RDONLY | _NO_WAIT)  # a pipe would wait for its writer
    except (OSError, ValueError) as error:
        raise CheckpointError(f"cannot read {path}: {_reason(error)}.") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise CheckpointError(
            f"{path} is a folder, a device or a pipe; a model's files must be regular files."
        )
    with os.fdopen(handle, "rb", buffering=0) as file:
        if file.read(len(_POINTER)) == _POINTER:
            raise CheckpointError(
                f"{path} is a Git LFS pointer, which only stands for the file. "
                "Fetch the file itself: git lfs pull."
            )
        file.seek(0)
        try:
            yield file
        except OSError as error:
            raise CheckpointError(f"cannot read {path}: {_reason(error)}.") from None


def read_small(path: Path, most: int = SMALL) -> bytes:
    """All bytes of a file that has `most` of them at most.

    Raises:
        CheckpointError: as `open_file`, or it is longer.
    """
    with open_file(path) as file:
        content = b""
        while len(content) <= most and (more := file.read(most + 1 - len(content))):
            content += more
    if len(content) > most:
        raise CheckpointError(
            f"{path} has more than {most >> 20} MB; it is read up to that size. "
            "Is it the right file?"
        )
    return content


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
