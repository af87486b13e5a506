"""The folder of a run while a training starts, resumes or replaces it."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from wenlu.atomic import sweep_leftovers
from wenlu.errors import RunError
from wenlu.training.loop import micro_batches
from wenlu.training.precision import resolve_precision
from wenlu.training.processes import Processes
from wenlu.training.settings import LoopSettings

if sys.platform != "win32":
    import fcntl

FREE = ("checkpoint_minutes", "checkpoint_steps", "log_steps", "gradient_checkpointing")
"""Settings that may change when a run is resumed: the weights do not depend on them."""


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Hold the folder `out` alone; it is made if it is not there, and removed if it stays empty.

    The lock is on the folder itself, so no file is left, and the system frees it when the process
    ends, however it ends.

    Raises:
        RunError: another process holds it, or it cannot be made.
    """
    if out.is_file():
        raise RunError(f"cannot make the folder {out}: it is a file; give another --out")
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        handle = None if sys.platform == "win32" else os.open(out, os.O_RDONLY)
    except OSError as error:
        raise RunError(f"cannot make the folder {out}: {error.strerror}") from None
    try:
        if handle is not None:
            _lock(handle, out)
        yield
    finally:
        if handle is not None:
            os.close(handle)
        for folder in made:
            with suppress(OSError):  # it is not empty
                folder.rmdir()


def _lock(handle: int, out: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RunError(
            f"another process is writing to {out}; wait until it ends, or give another --out"
        ) from None
    except OSError:  # a file system without locks
        return


def check_free(
    out: Path, *, is_run: bool, resume: bool, overwrite: bool, say: Callable[[str], None]
) -> bool:
    """Raise RunError unless a run may be written to `out`; returns whether there is one already.

    Args:
        out: the folder.
        is_run: whether what it holds is a run, and so may be resumed or replaced.
        resume: whether to resume it.
        overwrite: whether to replace it.
        say: called with a line for people.
    """
    if not any(out.iterdir()):
        if resume:
            say(f"there is no run at {out} yet: starting a new one")
        return False
    if not is_run:
        raise RunError(
            f"{out} exists already and is not a run folder, so it is left alone; give another --out"
        )
    if not (resume or overwrite):
        raise RunError(
            f"{out} exists already; --resume resumes it, --overwrite replaces it, or give another "
            "--out"
        )
    return True


def make_room(out: Path, *, resume: bool) -> None:
    """Empty the folder, or where its run is resumed, remove what a killed process left."""
    try:
        if resume:
            for folder in (out, *filter(Path.is_dir, out.glob("seed-*"))):
                sweep_leftovers(folder)
            return
        # A configuration goes last: until then one can see that this is a run folder.
        if any(out.iterdir()):
            (out / "config.toml").touch()
        for path in sorted(out.iterdir(), key=lambda path: path.name == "config.toml"):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    except OSError as error:
        raise RunError(f"cannot empty the folder {out}: {error.strerror}") from None


def other_settings(
    out: Path, before: Mapping[str, Any], now: Mapping[str, Any], free: Sequence[str]
) -> RunError:
    """The error of a run that was started with other settings, which it names.

    Args:
        out: the run folder.
        before: settings that the run was started with, by name.
        now: settings that it was to be resumed with.
        free: names of settings that may change.
    """
    changed = [
        f"{name} was {before.get(name)!r} and is now {value!r}"
        for name, value in now.items()
        if value != before.get(name) and name not in free
    ]
    what = "; ".join(changed) or "the data, the model's weights or the number of processes changed"
    return RunError(
        f"{out} was started with other settings; it cannot be resumed: {what}. Give the settings "
        "it was started with, or another --out"
    )


def course(settings: LoopSettings, processes: Processes) -> str:
    """The settings that the course of a training depends on, for its fingerprint."""
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    values |= dict.fromkeys((*FREE, "gradient_accumulation"))
    values["precision"] = resolve_precision(settings.precision, processes.device)
    values["micro_batches"] = micro_batches(settings, processes)
    return repr(values)


def from_outside(error: BaseException) -> bool:
    """Whether a run was stopped by a signal or a full disk, not by what would fail again."""
    return (
        isinstance(error, KeyboardInterrupt | SystemExit | OSError) or error.__cause__ is not None
    )
