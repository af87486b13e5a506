"""Counting words: ours against two loops over jieba, and what batches and processes bring.

The loops are those of the post "When can the multi-processing speed-up ratio be greater than 1?"
(2019): one table that grows word by word in one process; and ten processes, each with batches of
1,000 texts in a table of their own, which the first process adds up. Each way runs in a fresh
process and reads the same JSONL file. Time is from the start of the program to its end, dictionary
and all; memory is that of all of its processes together.

    python -m bench.counting                      the loops count 20 MB, ours counts 100 MB
    python -m bench.counting --megabytes 20 --ways loop ten ours
    python -m bench.counting --cutter rjieba      the same loops over rjieba
    python -m bench.counting --tables             no cutting: one growing table against batches
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from bench.process_tree import Ran, watch
from wenlu.corpus import read_documents

BATCH, PROCESSES = 1000, 10  # the post's

_cut: Callable[[str], list[str]]


def load(cutter: str) -> None:
    """Make a process ready to cut words."""
    global _cut
    if cutter == "jieba":
        import jieba

        jieba.setLogLevel(60)
        jieba.initialize()
        _cut = jieba.lcut
    else:
        import rjieba

        _cut = rjieba.Jieba().cut


def texts(file: Path) -> Iterator[str]:
    """The texts of a file."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["text"]


def batches(file: Path) -> Iterator[list[str]]:
    """So many of them at a time."""
    found = texts(file)
    while batch := list(islice(found, BATCH)):
        yield batch


def one_table(file: Path, cutter: str) -> dict[str, int]:
    """The post's first loop."""
    load(cutter)
    table: dict[str, int] = {}
    for text in texts(file):
        for word in _cut(text):
            table[word] = table.get(word, 0) + 1
    return table


def batch_table(batch: list[str]) -> dict[str, int]:
    """The table of a batch."""
    table: dict[str, int] = {}
    for text in batch:
        for word in _cut(text):
            table[word] = table.get(word, 0) + 1
    return table


def add_up(tables: Iterator[dict[str, int]]) -> dict[str, int]:
    """The sum of tables."""
    total: dict[str, int] = {}
    for table in tables:
        for word, times in table.items():
            total[word] = total.get(word, 0) + times
    return total


def batched(file: Path, cutter: str) -> dict[str, int]:
    """Batches, in one process."""
    load(cutter)
    return add_up(map(batch_table, batches(file)))


def ten_processes(file: Path, cutter: str) -> dict[str, int]:
    """The post's second loop."""
    with multiprocessing.Pool(PROCESSES, load, (cutter,)) as pool:
        return add_up(pool.imap_unordered(batch_table, batches(file)))


WAYS = {"loop": one_table, "batched": batched, "ten": ten_processes}


def side(arguments: argparse.Namespace) -> None:
    """One way, in this process."""
    table = WAYS[arguments.side](arguments.file, arguments.cutter)
    table = {word: times for word, times in table.items() if not word.isspace()}
    print(json.dumps({"units": sum(table.values()), "different": len(table)}))


def write_text(file: Path, bytes_wanted: int) -> None:
    """Texts of the corpus until they are enough, from its beginning again if need be."""
    from bench.text_data import raw_text  # brings much that the ways do without

    sources, size = raw_text(file.parent, "train"), 0
    with file.open("w", encoding="utf-8") as out:
        while size < bytes_wanted:
            for document in read_documents(sources):
                line = json.dumps({"text": document.text}, ensure_ascii=False) + "\n"
                size += len(line.encode())
                out.write(line)
                if size >= bytes_wanted:
                    return


def compare_tables(words: int, kinds: int) -> None:
    """One growing table against batches, for words that are strings in a list already."""
    numbers = np.random.default_rng(0).zipf(1.2, words) % kinds
    table: dict[str, int] = {}
    size = BATCH * 300
    parts = [[f"词{n}" for n in numbers[i : i + size].tolist()] for i in range(0, words, size)]
    for name in ("one table", "batches", "Counter"):
        times = []
        for _ in range(3):
            counter: Counter[str] = Counter()
            table, start = {}, time.process_time()
            if name == "Counter":
                for part in parts:
                    counter.update(part)
            else:
                for part in parts:
                    into = table if name == "one table" else {}
                    for word in part:
                        into[word] = into.get(word, 0) + 1
                    if name == "batches":
                        for word, number in into.items():
                            table[word] = table.get(word, 0) + number
            times.append(time.process_time() - start)
            different = len(table) or len(counter)
        print(f"{name:>10}  {words / statistics.median(times) / 1e6:6.2f} M words/s")
    print(f"{different:,} different of {words:,} words")


def report(arguments: argparse.Namespace) -> None:
    """All ways in turn, and their ratios."""
    with tempfile.TemporaryDirectory() as folder:
        whole, part = Path(folder) / "whole.jsonl", Path(folder) / "part.jsonl"
        write_text(whole, int(arguments.megabytes * 1e6))
        write_text(part, int(min(arguments.megabytes, arguments.loop_megabytes) * 1e6))
        rates: dict[str, list[float]] = {}
        peaks: dict[str, float] = {}
        answers: dict[str, dict[str, int]] = {}
        for _ in range(arguments.runs):
            for way in arguments.ways:
                file = whole if way in ("ours", "ours, one process") else part
                ran = run(way, file, arguments)
                rates.setdefault(way, []).append(file.stat().st_size / 1e6 / ran.seconds)
                peaks[way] = max(peaks.get(way, 0.0), ran.peak_mb)
                answers[way] = json.loads(ran.output.splitlines()[-1])
        base = rates.get("loop")
        print(f"{'way':<18} {'MB/s':>7} {'times the loop':>15} {'peak MB':>8}   words, different")
        for way, found in rates.items():
            ratio = "" if base is None else ratios(found, base)
            words = ", ".join(f"{answers[way][name]:,}" for name in ("units", "different"))
            rate = statistics.median(found)
            print(f"{way:<18} {rate:7.2f} {ratio:>15} {peaks[way]:8.0f}   {words}")
        if "ten" in rates and "ours" in rates:
            print(f"ours / ten processes: {ratios(rates['ours'], rates['ten'])}")


def ratios(ours: list[float], theirs: list[float]) -> str:
    """The median over the runs."""
    return f"{statistics.median(a / b for a, b in zip(ours, theirs, strict=True)):.2f}x"


def run(way: str, file: Path, arguments: argparse.Namespace) -> Ran:
    """One way, in a process of its own."""
    if way.startswith("ours"):
        command = [sys.executable, "-m", "wenlu", "corpus", "count", str(file), "--json"]
        command += ["--out", str(file.with_suffix(".tsv")), "--memory", arguments.memory]
        command += ["--workers", "1"] if way != "ours" else []
    else:
        command = [sys.executable, "-m", "bench.counting", "--file", str(file)]
        command += ["--cutter", arguments.cutter, "--side", way]
    ran = watch(command)
    print(f"  {way}: {ran.seconds:.2f} s, {ran.peak_mb:.0f} MB", file=sys.stderr, flush=True)
    return ran


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--loop-megabytes", type=float, default=20)
    parser.add_argument("--memory", default="800MB")
    parser.add_argument("--cutter", choices=["jieba", "rjieba"], default="jieba")
    parser.add_argument("--runs", type=int, default=1)
    every = ["loop", "batched", "ten", "ours", "ours, one process"]
    parser.add_argument("--ways", nargs="+", choices=every, default=every)
    parser.add_argument("--tables", action="store_true")
    parser.add_argument("--words", type=int, default=20_000_000)
    parser.add_argument("--kinds", type=int, default=4_000_000)
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.tables:
        compare_tables(arguments.words, arguments.kinds)
    elif arguments.side:
        side(arguments)
    else:
        report(arguments)


if __name__ == "__main__":
    main()
