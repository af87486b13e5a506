"""Gradient checkpointing: time and memory of training steps, against keeping all activations.

BERT of 12 layers, a loss like MLM's at 15 % of the tokens, AdamW. Each measurement is a process of
its own, and the two variants take turns. Peak memory at two batch sizes gives what is fixed and
what a row costs, and so the largest batch that a limit allows; `--check` then runs that batch, and
says what it took.

The C library's allocator has a say. Told to keep what is freed, as in training without gradient
checkpointing, it leaves holes that tensors of other sizes do not fill, and the process grows beyond
what is in use. Told to hand every large block back at once, as in training with it, memory is what
is in use; getting it anew takes time. `--allocator` gives both variants the same.

    python -m bench.gradient_checkpointing     lengths 128 and 512, both halves of each block
    python -m bench.gradient_checkpointing --parts block --every 2 --length 512 --check
    python -m bench.gradient_checkpointing --allocator kept
"""

import argparse
import json
import statistics
from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from bench.side_by_side import Pair, Stopwatch, compare, machine, peak_memory_mb
from wenlu.models.bert import bert
from wenlu.nn import Transformer, enable_gradient_checkpointing
from wenlu.nn.gradient_checkpointing import PARTS
from wenlu.training.allocator import keep_freed_memory, return_freed_memory

VOCABULARY, SHARE = 21_128, 0.15
ROWS = {64: (16, 48), 128: (8, 24), 256: (4, 12), 512: (2, 6)}
"""Length of the texts, and the two batch sizes."""


ALLOCATORS: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    "training": (return_freed_memory, keep_freed_memory),
    "kept": (keep_freed_memory, keep_freed_memory),
    "returned": (return_freed_memory, return_freed_memory),
}
"""What is done with freed memory, checkpointed and plain."""


def side(arguments: argparse.Namespace) -> dict[str, float]:
    """Training steps of one variant with one batch size."""
    ALLOCATORS[arguments.allocator][arguments.side == "plain"]()
    torch.manual_seed(0)
    width, rows = arguments.width, arguments.rows
    config = bert(vocabulary=VOCABULARY, width=width, layers=arguments.layers)
    encoder, head = Transformer(config), nn.Linear(width, VOCABULARY)
    if arguments.side == "checkpointed":
        enable_gradient_checkpointing(
            encoder, every=arguments.every, parts=PARTS[arguments.parts][0]
        )
    optimizer = torch.optim.AdamW([*encoder.parameters(), *head.parameters()], lr=1e-4)
    wall, processor = [], []
    for _ in range(arguments.steps + 1):
        ids = torch.randint(VOCABULARY, (rows, arguments.length))
        chosen = torch.rand(ids.shape) < SHARE
        watch = Stopwatch()
        optimizer.zero_grad()
        F.cross_entropy(head(encoder(ids)[chosen]), ids[chosen]).backward()
        optimizer.step()
        took = watch.read()
        wall.append(took["wall"] / rows)
        processor.append(took["processor"] / rows)
    return {
        "rows": rows,
        "wall": statistics.median(wall[1:] or wall),  # the first step also makes room
        "processor": statistics.median(processor[1:] or processor),
        "memory_mb": peak_memory_mb(),
    }


def measure(arguments: argparse.Namespace, length: int, rows: tuple[int, int], steps: int) -> Pair:
    """Runs in turn, checkpointed with the first number of rows and plain with the second."""
    common = ["--length", str(length), "--steps", str(steps)]
    for name in ("width", "layers", "parts", "every", "allocator"):
        common += [f"--{name}", str(getattr(arguments, name))]
    return compare(
        "bench.gradient_checkpointing",
        [*common, "--side", "checkpointed", "--rows", str(rows[0])],
        [*common, "--side", "plain", "--rows", str(rows[1])],
        arguments.runs,
    )


def line(arguments: argparse.Namespace, length: int) -> str:
    """A row of the results table."""
    few, many = (measure(arguments, length, (n, n), arguments.steps) for n in ROWS[length])
    small, large = ROWS[length]
    each = [
        (more - less) / (large - small)
        for less, more in zip(few.median("memory_mb"), many.median("memory_mb"), strict=True)
    ]
    fixed = [peak - large * row for peak, row in zip(many.median("memory_mb"), each, strict=True)]
    ours, theirs = (int((arguments.limit - f) / row) for f, row in zip(fixed, each, strict=True))
    time, before = many.median("processor")
    cells = [
        f"{length}",
        f"{1000 * time:.0f} / {1000 * before:.0f}",
        f"**{many.ratio('processor') - 1:+.0%}** ({many.ratio('wall') - 1:+.0%})",
        f"{each[0]:.1f} / {each[1]:.1f}",
        f"{fixed[0]:.0f} / {fixed[1]:.0f}",
        f"{ours} / {theirs}",
        f"**{ours / theirs:.1f}×**" if theirs > 0 else "",
    ]
    if arguments.check and theirs > 0:
        largest = measure(arguments, length, (ours, theirs), 1)
        peaks = largest.median("memory_mb")
        cells.append(f"{peaks[0]:.0f} / {peaks[1]:.0f}, {largest.ratio('processor') - 1:+.0%}")
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Compare, or do one side of it (`--side`, which the comparison calls)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--length", type=int, choices=ROWS)
    parser.add_argument("--parts", choices=PARTS, default="halves")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--allocator", choices=ALLOCATORS, default="training")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--limit", type=float, default=4096, help="memory for the process, in MB")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--steps", type=int, default=2, help="timed steps of a run, after a first")
    parser.add_argument("--check", action="store_true", help="also run the largest batches")
    parser.add_argument("--side", choices=["checkpointed", "plain"], help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(side(arguments)))
        return
    print(f"{machine()}, {torch.get_num_threads()} threads")
    print(
        f"{arguments.layers}x{arguments.width}, {arguments.parts} of every {arguments.every} "
        f"layers, freed memory {arguments.allocator}; checkpointed / plain\n"
    )
    print(
        "| length | ms a sample | more time, processor (wall) | MB a row | MB fixed "
        f"| largest batch in {arguments.limit:.0f} MB | ratio |"
        + (" its peak MB, more time |" if arguments.check else "")
    )
    print("| --- " * (8 if arguments.check else 7) + "|", flush=True)
    for length in [arguments.length] if arguments.length else (128, 512):
        print(line(arguments, length), flush=True)


if __name__ == "__main__":
    main()
