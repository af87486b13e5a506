"""How fast is `wenlu corpus shuffle`, beside the other ways to shuffle a file of lines?

Makes a file of Chinese JSONL, and shuffles it in turn with wenlu within 512 MB, with wenlu in
memory, with GNU shuf (which needs memory for all of it), with the column-wise method in plain
Python (blocks of 100,000 lines shuffled in memory, then a line of each block at a time; not
uniform), and with terashuf if its program is named in TERASHUF. Two plain copies of the file are
the floor of a shuffle in two passes. Every way writes its result to a file, and begins when the
disk has nothing left to write; the file is read from the page cache as far as that holds it.
wenlu's time includes its start and the flush of the result to the disk, which the others leave out.

    python -m bench.shuffle --gb 2
    TERASHUF=~/terashuf/terashuf python -m bench.shuffle --gb 2 --ways wenlu terashuf shuf
"""

import argparse
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count, islice
from pathlib import Path

from bench.text_data import raw_text
from wenlu.corpus import open_bytes

COLUMN = 100_000
"""Lines of a block of the column-wise method, as its author has it."""


def make_file(target: Path, size: int) -> None:
    """Lines of a corpus, over and over, each time with other numbers."""
    lines = []
    for path in raw_text(target.parent, "train"):
        with open_bytes(path) as file:
            lines += [line.rstrip(b"\n") for line in file]
        if sum(map(len, lines)) > size // 4:
            break
    numbers, written = count(), 0
    with target.open("wb", 1 << 20) as out:
        while written < size:
            for line in lines:
                number = next(numbers)
                body = line[1:] if line.startswith(b"{") else json.dumps(line.decode()).encode()
                written += out.write(b'{"id": %d, %b\n' % (number, body))
                if written >= size:
                    break


def columnwise(text: Path, out: Path, scratch: Path) -> None:
    """Shuffle blocks; then take a line of each block, shuffle these, and so on."""
    blocks: list[Path] = []
    with text.open("rb") as file:
        while lines := list(islice(file, COLUMN)):
            random.shuffle(lines)
            blocks.append(scratch / str(len(blocks)))
            with blocks[-1].open("wb") as block:
                block.writelines(lines)
    with ExitStack() as stack:
        files = [stack.enter_context(block.open("rb")) for block in blocks]
        target = stack.enter_context(out.open("wb"))
        while True:
            row = [line for line in (file.readline() for file in files) if line]
            if not row:
                break
            random.shuffle(row)
            target.writelines(row)
    for block in blocks:
        block.unlink()


def ways(text: Path, folder: Path) -> dict[str, Callable[[], None]]:
    """Each way by its name."""
    out, copy = folder / "out.jsonl", folder / "copy.jsonl"
    memory = text.stat().st_size * 2 // 10**6 + 500

    def run(*line: str | Path, **more: object) -> Callable[[], None]:
        return lambda: subprocess.run(list(map(str, line)), check=True, **more)  # type: ignore[call-overload]

    def wenlu(memory: str) -> Callable[[], None]:
        command = (sys.executable, "-m", "wenlu", "corpus", "shuffle", text, "--out", out)
        return run(*command, "--memory", memory, stderr=subprocess.DEVNULL)

    def two_copies() -> None:
        run("cp", text, copy)()
        run("cp", copy, out)()
        copy.unlink()

    def piped(program: str, memory: float) -> None:
        environment = {**os.environ, "MEMORY": f"{memory}", "TMPDIR": str(folder)}
        with text.open("rb") as source, out.open("wb") as target:
            subprocess.run(
                [program],
                check=True,
                stdin=source,
                stdout=target,
                stderr=subprocess.DEVNULL,
                env=environment,
            )

    found = {
        "wenlu": wenlu("512MB"),
        "wenlu, in memory": wenlu(f"{memory}MB"),
        "shuf": run("shuf", text, "-o", out),
        "column-wise": run(sys.executable, "-m", "bench.shuffle", "--columnwise", text, out),
        "two copies": two_copies,
    }
    if "TERASHUF" in os.environ:
        program = os.environ["TERASHUF"]
        found["terashuf"] = lambda: piped(program, 0.5)
        found["terashuf, 1 GB"] = lambda: piped(program, 1.0)
    return found


def main() -> None:
    """Run each way and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gb", type=float, default=2.0, help="size of the file")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--ways", nargs="*", help="only these")
    parser.add_argument("--folder", type=Path, help="where the files go")
    parser.add_argument("--columnwise", nargs=2, type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.columnwise:
        with tempfile.TemporaryDirectory(dir=asked.columnwise[1].parent) as scratch:
            columnwise(*asked.columnwise, Path(scratch))
        return
    folder = Path(tempfile.mkdtemp(dir=asked.folder, prefix="bench-shuffle-"))
    try:
        text = folder / "text.jsonl"
        make_file(text, int(asked.gb * 1e9))
        size = text.stat().st_size
        print(f"{size / 1e9:.2f} GB of JSONL")
        took: dict[str, list[float]] = {}
        used: dict[str, list[float]] = {}
        chosen = {n: w for n, w in ways(text, folder).items() if not asked.ways or n in asked.ways}
        for _ in range(asked.runs):
            for name, way in chosen.items():
                os.sync()
                before = _processor_time()
                begun = time.perf_counter()
                way()
                took.setdefault(name, []).append(time.perf_counter() - begun)
                used.setdefault(name, []).append(_processor_time() - before)
                if (folder / "out.jsonl").stat().st_size != size:
                    raise SystemExit(f"{name} lost something")
                (folder / "out.jsonl").unlink()
        base = statistics.median(took.get("wenlu", [float("nan")]))
        print(f"{'':20} {'seconds':>8} {'MB/s':>7} {'processor':>10} {'/ wenlu':>8}")
        for name, seconds in took.items():
            wall = statistics.median(seconds)
            processor = statistics.median(used[name])
            rate = size / wall / 1e6
            print(f"{name:20} {wall:8.2f} {rate:7.0f} {processor:10.2f} {wall / base:8.2f}")
    finally:
        shutil.rmtree(folder)


def _processor_time() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
