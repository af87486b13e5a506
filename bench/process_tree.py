"""The memory of a program and of all processes that it has started."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Ran(NamedTuple):
    """How a program ran."""

    seconds: float

    peak_mb: float
    """The most that all of its processes had in memory at a moment; shared pages count for each."""

    output: str


def watch(command: Sequence[str], every: float = 0.02) -> Ran:
    """Run a program to its end, looking at the memory of its processes all the while."""
    start = time.perf_counter()
    peak = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        while program.poll() is None:
            peak = max(peak, sum(map(_resident, _tree(program.pid))))
            time.sleep(every)
        seconds = time.perf_counter() - start
        assert program.stdout is not None
        output = program.stdout.read()
    if program.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {program.returncode}\n{output}")
    return Ran(seconds, peak / 1e6, output)


def _tree(root: int) -> list[int]:
    found = [root]
    for process in found:
        try:
            for children in Path(f"/proc/{process}/task").glob("*/children"):
                found += map(int, children.read_text().split())
        except OSError:  # it has ended
            continue
    return found


def _resident(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS")), 0)
