"""Run two programs in turn, each in a process of its own, and compare what they report.

Each run prints one JSON object as its last line. Machines drift and are shared, so the two take
turns and the ratio is taken pair by pair; medians are quoted. Next to the wall clock stands the
processor time of the process, which another program on the machine disturbs much less.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Pair:
    """The reports of both, run after run."""

    ours: list[dict[str, Any]]
    theirs: list[dict[str, Any]]

    def ratio(self, key: str) -> float:
        """Median over the pairs of ours / theirs."""
        return statistics.median(
            a[key] / b[key] for a, b in zip(self.ours, self.theirs, strict=True)
        )

    def median(self, key: str) -> tuple[float, float]:
        """Medians of ours and theirs."""
        return (
            statistics.median(a[key] for a in self.ours),
            statistics.median(b[key] for b in self.theirs),
        )


def compare(module: str, ours: Sequence[str], theirs: Sequence[str], runs: int) -> Pair:
    """Run `python -m module` with the arguments of ours and of theirs, in turn, `runs` times."""
    found: dict[str, list[dict[str, Any]]] = {"ours": [], "theirs": []}
    for turn in range(runs):
        order = [("ours", ours), ("theirs", theirs)]
        for name, arguments in order if turn % 2 == 0 else reversed(order):
            report = run_once(module, arguments)
            found[name].append(report)
            print(f"  {name}: {json.dumps(report)}", file=sys.stderr, flush=True)
    return Pair(found["ours"], found["theirs"])


def run_once(module: str, arguments: Sequence[str]) -> dict[str, Any]:
    """One run in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TOKENIZERS_PARALLELISM": "true", "HF_HUB_OFFLINE": "1"},
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


class Stopwatch:
    """Wall clock and processor time since it was made."""

    def __init__(self) -> None:
        self.wall, self.processor = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        """Seconds."""
        return {
            "wall": time.perf_counter() - self.wall,
            "processor": time.process_time() - self.processor,
        }


def peak_memory_mb() -> float:
    """The most that this process held so far, of the GPU's memory if it has used one."""
    import resource

    if torch.cuda.is_initialized():
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def machine() -> str:
    """The machine and the versions, in a line."""
    import tokenizers
    import transformers

    name = torch.cpu.get_capabilities().get("cpu_name") or platform.processor()
    gpu = f"{torch.cuda.get_device_name()}, " if torch.cuda.is_available() else ""
    return (
        f"{gpu}{name}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"torch {torch.__version__}, transformers {transformers.__version__}, "
        f"tokenizers {tokenizers.__version__}, {time.strftime('%Y-%m-%d')}"
    )
