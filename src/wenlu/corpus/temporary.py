"""A hidden folder for what does not fit into memory."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from wenlu.atomic import holding, remove_leftovers
from wenlu.corpus.places import Place, Url
from wenlu.errors import RunError


@contextmanager
def temporary_folder(beside: Place, temp: str | PathLike[str] | None = None) -> Iterator[Path]:
    """A hidden folder beside a path; whatever ends the block removes it.

    What is left of earlier ones whose processes were killed is removed, too.

    Args:
        beside: what is made with its help.
        temp: the folder to put it in, if it is to be another one; for a URL, the system's unless
            it is given.

    Raises:
        RunError: something in it cannot be written (disk full, no permission).
    """
    place = temporary_place(beside, temp)
    remove_leftovers(place, beside.name)
    folder = place / f".{beside.name[:32]}.{secrets.token_hex(6)}.tmp"
    try:
        folder.mkdir()
        with holding(folder):
            yield folder
    except OSError as error:
        if error.filename is not None and not str(error.filename).startswith(str(folder)):
            raise
        raise RunError(
            f"cannot write temporary files in {place}: {error.strerror or error}. Nothing "
            "was changed; see to the disk and run it again."
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def temporary_place(beside: Place | None, temp: str | PathLike[str] | None) -> Path:
    """The folder for temporary files of something that is to be written.

    Args:
        beside: what is written; None for standard output.
        temp: the folder that was asked for.
    """
    if temp is not None:
        if not Path(temp).is_dir():
            raise RunError(f"there is no folder {temp} for temporary files; make it first")
        return Path(temp)
    if beside is None or isinstance(beside, Url):
        return Path(tempfile.gettempdir())
    return beside.resolve().parent


def truncate(path: Path, size: int) -> None:
    """Cut off what was written after the last time it was written down how much there is."""
    if path.exists():
        if path.stat().st_size < size:
            raise RunError(f"{path} has become shorter; leave out --resume to begin anew")
        os.truncate(path, size)
    elif size:
        raise RunError(f"{path} has gone; leave out --resume to begin anew")
