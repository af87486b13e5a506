"""Files and folders that appear whole or not at all."""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import IO, Any, Literal

from wenlu.errors import RunError

_LEFTOVER = re.compile(r"\..{1,32}\.[0-9a-f]{12}\.tmp", re.DOTALL)


@contextmanager
def atomic_write(path: str | PathLike[str], mode: Literal["w", "wb"] = "w") -> Iterator[IO[Any]]:
    """A file to write that takes the place of `path` when the block ends well.

    Until then it is a hidden file in the same folder; whatever ends the block early, an error or
    Ctrl-C, removes it and leaves `path` as it was. Links are followed; the permissions of a file
    that is replaced are kept.

    Args:
        path: the file to write; its folder must exist.
        mode: "w" for UTF-8 text with line feeds as they are written, "wb" for bytes.

    Raises:
        RunError: the file cannot be written (disk full, no such folder, no permission).
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:32]}.{secrets.token_hex(6)}.tmp")
    text = mode == "w"
    try:
        if target.is_dir():
            raise RunError(f"cannot write {path}: it is a folder. Give the name of a file.")
        with temporary.open(
            mode.replace("w", "x"),
            encoding="utf-8" if text else None,
            newline="\n" if text else None,
        ) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            temporary.chmod(target.stat().st_mode & 0o7777)
        temporary.replace(target)
        _sync_folder(target.parent)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        ours = isinstance(error, OSError) and error.filename in (None, str(temporary))
        if isinstance(error, OSError) and ours:
            raise RunError(
                f"cannot write {path}: {error.strerror or error}. Nothing was changed; "
                f"see to the folder {target.parent} and run it again."
            ) from error
        raise


@contextmanager
def atomic_folder(path: str | PathLike[str]) -> Iterator[Path]:
    """A folder to fill that becomes `path` when the block ends well.

    Whatever ends the block early removes it again.

    Args:
        path: the folder to make; must not exist, or be empty. Its parent is made if need be.

    Raises:
        RunError: `path` holds something already, or cannot be written.
    """
    target = Path(path)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise RunError(f"{target} exists already; give another name, or remove it first")
    temporary = target.with_name(f".{target.name[:32]}.{secrets.token_hex(6)}.tmp")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        for part in temporary.rglob("*"):
            if part.is_file():
                _sync_file(part)
            else:
                _sync_folder(part)
        _sync_folder(temporary)
        temporary.replace(target)
        _sync_folder(target.parent)
    except BaseException as error:
        shutil.rmtree(temporary, ignore_errors=True)
        # The writer of safetensors wraps the system's error in one of its own.
        if isinstance(error, OSError) or type(error).__name__ == "SafetensorError":
            reason = getattr(error, "strerror", None) or error
            raise RunError(
                f"cannot write {target}: {reason}. Nothing was changed; see to the folder "
                f"{target.parent} and run it again."
            ) from error
        raise


def sweep_leftovers(folder: str | PathLike[str]) -> None:
    """Remove what `atomic_write` and `atomic_folder` left in `folder` when they were killed.

    Nobody else may be writing there.
    """
    for path in Path(folder).iterdir():
        if not _LEFTOVER.fullmatch(path.name):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _sync_file(file: Path) -> None:
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut, where the system allows it."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
