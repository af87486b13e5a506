"""The run folder when a run is started, resumed or replaced."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from wenlu.atomic import sweep_leftovers
from wenlu.errors import RunError
from wenlu.evaluation.report import write_report
from wenlu.tasks.result import read_result
from wenlu.training.state import remove


def check_folder(
    out: Path, *, several: bool, resume: bool, overwrite: bool, say: Callable[[str], None]
) -> None:
    """Make sure that `out` may be written to, and sweep up after a run that was killed.

    Raises:
        RunError: something else is there, or a run that cannot be resumed.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        if resume:
            say(f"nothing at {out} to resume yet: starting from the beginning")
        return
    one, more = (out / "config.toml").exists(), any(out.glob("seed-*/config.toml"))
    if not resume:
        if not overwrite or not (one or more):
            remedy = "--resume to continue it, --overwrite to replace it, or another --out"
            if not (one or more):
                remedy = "it is not a run folder, so it is left alone; give another --out"
            raise RunError(f"{out} exists already: {remedy}")
        return
    if not (one or more or (out.is_dir() and all(map(_is_begun, out.iterdir())))):
        raise RunError(f"{out} is not a run folder, so there is nothing to resume")
    for folder in (out, *filter(Path.is_dir, out.glob("seed-*"))):
        sweep_leftovers(folder)
    if finished_result(out) is not None:
        raise RunError(
            f"{out} is finished already, so there is nothing to resume; --overwrite would "
            "replace it"
        )
    if one if several else more:
        there = "one run" if one else "runs with several seeds"
        raise RunError(f"{out} holds {there}; give the seeds that it was started with")


def _is_begun(path: Path) -> bool:
    """Whether this is all that a run may leave that was killed before its configuration stood."""
    return path.name.startswith(".config.toml.") or (path.is_dir() and path.name[:5] == "seed-")


def make_room(out: Path, *, resume: bool) -> None:
    """Remove what is there, unless it is resumed; `check_folder` has allowed it.

    Raises:
        RunError: the folder cannot be made.
    """
    try:
        if out.exists() and not resume:
            shutil.rmtree(out)
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make the folder {out}: {error.strerror}") from None


def remove_empty(out: Path) -> None:
    """Remove the folders of runs that did not even get their configuration written."""
    for folder in (*out.glob("seed-*"), out):
        with suppress(OSError):
            folder.rmdir()


def finished_result(folder: Path) -> dict[str, Any] | None:
    """The result that stands there, if any; what a kill right after it left undone is done."""
    if not (folder / "result.json").exists():
        return None
    if not (folder / "report.html").exists():
        write_report(folder)
    remove(folder / "checkpoint")
    return read_result(folder)
