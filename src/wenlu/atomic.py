"""Files and folders that appear whole or not at all."""

import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import IO, Any, Literal

from wenlu.errors import RunError

if sys.platform != "win32":
    import fcntl

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
        if target.exists() and not target.is_file():  # it would be replaced, not written to
            raise RunError(f"cannot write {path}: it is a device or a pipe; name a file.")
        with temporary.open(
            mode.replace("w", "x"),
            encoding="utf-8" if text else None,
            newline="\n" if text else None,
        ) as file:
            hold(file.fileno())
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
        with holding(temporary):
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


def hold(file: int) -> None:
    """Lock an open file or folder while this process lives, so that others leave it alone."""
    if sys.platform != "win32":
        with suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Lock a folder during the block."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        hold(handle)
        yield
    finally:
        os.close(handle)


def leftovers(folder: Path, name: str) -> Iterator[Path]:
    """Hidden files and folders for something of that name, whose processes were killed.

    What a process that is alive holds is none; nor is anything where there are no locks to tell.

    Args:
        folder: where they are.
        name: of what was to be written.
    """
    ours = re.compile(rf"\.{re.escape(name[:32])}\.[0-9a-f]{{12}}\.tmp", re.DOTALL)
    for path in sorted(folder.iterdir()):
        if ours.fullmatch(path.name) and not path.is_symlink() and _is_free(path):
            yield path


def remove_leftovers(folder: Path, name: str) -> None:
    """Remove what processes that were killed left of something of that name."""
    for path in leftovers(folder, name):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _is_free(path: Path) -> bool:
    if sys.platform == "win32":
        return False
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:  # somebody else's
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


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
