"""The folder of a fine-tuning run: what may be resumed or replaced, and what is finished."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from wenlu.errors import RunError
from wenlu.evaluation.report import write_report
from wenlu.tasks.result import read_result
from wenlu.training.run_folder import check_free
from wenlu.training.state import remove


def check_folder(
    out: Path, *, several: bool, resume: bool, overwrite: bool, say: Callable[[str], None]
) -> None:
    """Make sure that `out` may be written to.

    Raises:
        RunError: it holds something else, or a run that cannot be resumed.
    """
    one, more = (out / "config.toml").exists(), any(out.glob("seed-*/config.toml"))
    started = resume and all(map(_is_started, out.iterdir()))
    is_run = one or more or started
    if not check_free(out, is_run=is_run, resume=resume, overwrite=overwrite, say=say):
        return
    if not resume:
        return
    if finished_result(out) is not None:
        raise RunError(f"{out} is finished, so it cannot be resumed; --overwrite replaces it")
    if one if several else more:
        there = "one run" if one else "runs with several seeds"
        raise RunError(f"{out} holds {there}; give the seeds that it was started with")


def _is_started(path: Path) -> bool:
    """Whether this is all that a run may leave that was killed before its configuration stood."""
    return path.name.startswith(".config.toml.") or (path.is_dir() and path.name[:5] == "seed-")


def finished_result(folder: Path) -> dict[str, Any] | None:
    """The result that stands there, if any; what a kill right after it left undone is done."""
    if not (folder / "result.json").exists():
        return None
    if not (folder / "report.html").exists():
        write_report(folder)
    remove(folder / "checkpoint")
    return read_result(folder)
