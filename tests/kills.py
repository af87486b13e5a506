"""Runs that are killed and resumed until they are finished."""

import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

Attempt = Callable[..., list[int]]
KILLED, OUT_OF_TIME, INTERRUPTED = -signal.SIGKILL, -signal.SIGPROF, 130


def kill_at_random(
    attempt: Attempt,
    flags: list[str],
    folder: Path,
    assert_same: Callable[[Path], None],
    *,
    seconds: tuple[float, float],
    kills: int,
    seed: int,
) -> None:
    """A run that is killed so many times ends as `assert_same` wants it.

    Args:
        attempt: the fixture.
        flags: the command line without `--out`.
        folder: for the run and its log.
        assert_same: is given the finished run.
        seconds: of computing, after which a kill comes: at least and at most.
        kills: how many.
        seed: of the moments.
    """
    moments = random.Random(seed)
    run, log = folder / "run", folder / "log"
    command = [*flags, "--out", str(run), "--resume"]
    left, seen = kills, set[int]()
    while left:
        codes = attempt(command, log, after=moments.uniform(*seconds))
        if (run / "result.json").exists():  # it was faster than the kill: again, from the start
            assert attempt(command, log) == [1]
            assert_same(run)
            shutil.rmtree(run)
            continue
        assert codes == [OUT_OF_TIME], log.read_text()
        left -= 1
        lines = run / "metrics.jsonl"
        seen.add(lines.read_bytes().count(b"\n") if lines.exists() else 0)
    assert attempt(command, log) == [0], log.read_text()
    assert_same(run)
    assert kills < 10 or len(seen) > 3  # they came at different places


def killed_and_resumed(
    attempt: Attempt, flags: list[str], folder: Path, trap: tuple[str, int, str]
) -> Path:
    """The folder of a run that was killed in that trap, before it had a result, and resumed."""
    run, log = folder / "run", folder / "log"
    assert attempt([*flags, "--out", str(run)], log, trap=trap) == [KILLED], log.read_text()
    assert not (run / "result.json").exists()
    assert attempt([*flags, "--out", str(run), "--resume"], log) == [0], log.read_text()
    return run
