"""Loading a BERT of base size against reading its safetensors with the library of that name.

`load_file` of safetensors maps the file: no weight is read before it is used, and weights change
when the file does. So there are two peers: `copied` has the weights in memory of its own, as a
loaded model must, and `mapped` only touches each page of the file once. `bytes` reads the file as
one string of bytes, for a lower bound of what copying takes.

    python -m bench.loading --runs 5
"""

import argparse
import json
import tempfile
from pathlib import Path

import torch

from bench.side_by_side import Stopwatch, compare, machine, peak_memory_mb, run_once
from wenlu.models import FAMILIES, Model, load, save
from wenlu.text import Tokenizer

PEERS = ("copied", "mapped", "bytes")


def make_model(folder: Path) -> dict[str, str]:
    """110 million random weights and 20,000 tokens.

    Made in a process of its own: a child's peak memory begins with what its parent ever had.
    """
    torch.manual_seed(0)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens = [*special, *map(chr, range(0x4E00, 0x4E00 + 20_000))]
    save(folder, Model(FAMILIES["bert"](), ("pooler", "mlm", "nsp")), Tokenizer.from_tokens(tokens))
    return {"made": str(folder)}


def run(side: str, folder: Path) -> dict[str, float]:
    """What one side takes; what both import is imported before."""
    import tokenizers  # noqa: F401
    from safetensors.torch import load_file

    file = folder / "model.safetensors"
    before, watch = peak_memory_mb(), Stopwatch()
    kept: object
    if side == "ours":
        kept = load(folder)
    elif side == "copied":
        kept = {name: tensor.clone() for name, tensor in load_file(file).items()}
    elif side == "mapped":
        kept = [tensor.numpy().max() for tensor in load_file(file).values()]
    else:
        kept = file.read_bytes()
    report = {**watch.read(), "memory": peak_memory_mb() - before}
    del kept
    return report


def main() -> None:
    """Compare, or be one side of the comparison."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--side", choices=["make", "ours", *PEERS])
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    if arguments.side == "make":
        print(json.dumps(make_model(arguments.folder)))
        return
    if arguments.side:
        print(json.dumps(run(arguments.side, arguments.folder)))
        return
    print(machine())
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "model"
        run_once("bench.loading", ["--folder", str(folder), "--side", "make"])
        for peer in PEERS:
            sides = [["--folder", str(folder), "--side", side] for side in ("ours", peer)]
            pair = compare("bench.loading", *sides, runs=arguments.runs)
            for key, unit in (("wall", "s"), ("processor", "s"), ("memory", "MB")):
                ours, theirs = pair.median(key)
                print(f"{peer} {key}: {ours:.2f} / {theirs:.2f} {unit}, {pair.ratio(key):.2f}x")


if __name__ == "__main__":
    main()
