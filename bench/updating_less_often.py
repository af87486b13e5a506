"""What does updating less often do to the loss curve of a pretraining?

A small model learns from equally much text in batches that are too small: moving the weights after
every batch, or after every fourth, with the gradients added up in a buffer or inside Adam's
momentum in three ways. Held-out loss of the masked words over the tokens seen, three seeds each,
into a CSV file and a picture.

    python -m bench.updating_less_often --out updating
    python -m bench.updating_less_often --out updating --draw     draw again what is there
"""

import argparse
import csv
import json
import statistics
import tempfile
from pathlib import Path

import torch
from wenlu.training.pretraining.loop import pretrain_module

from bench.text_data import raw_text
from wenlu.assets import asset
from wenlu.corpus import TokenCorpus, write_tokens
from wenlu.models import BUNDLED, Model
from wenlu.text import Tokenizer
from wenlu.training import join_processes
from wenlu.training.pretraining import MaskingSettings, PretrainingSettings
from wenlu.training.pretraining.data import PretrainingData
from wenlu.training.pretraining.evaluate import evaluate
from wenlu.training.pretraining.module import Pretraining
from wenlu.training.pretraining.objectives import make_objectives
from wenlu.training.progress_bar import ProgressBar

EVERY = 4
WAYS: dict[str, tuple[str, int, float]] = {
    "every batch": ("adamw", 1, 1.0),
    "every 4th, gradients added up": ("adamw", EVERY, 1.0),
    "every 4th, gradients added up, rate × 2": ("adamw", EVERY, 2.0),
    "every 4th, inside the momentum": ("accumulating-adam", EVERY, 1.0),
    "every 4th, inside the momentum, rate × 2": ("accumulating-adam", EVERY, 2.0),
    "every 4th, slower averages": ("accumulating-adam-beta", EVERY, 1.0),
}
"""Optimizer, batches an update, factor of the learning rate."""


def one_run(folder: Path, way: str, seed: int, batches: int, batch_tokens: int) -> list[list[str]]:
    """Train once; rows of way, seed, tokens, loss."""
    optimizer, accumulate, faster = WAYS[way]
    corpus, heldout = TokenCorpus(folder / "train"), TokenCorpus(folder / "heldout")
    tokenizer = corpus.tokenizer()
    objectives = make_objectives(["mlm"], tokenizer, MaskingSettings())
    torch.manual_seed(seed)
    module = Pretraining(Model(BUNDLED["scratch-2x128"].shape(len(tokenizer)), {"mlm"}), objectives)
    data = PretrainingData(
        corpus, tokenizer, objectives, max_length=128, batch_tokens=batch_tokens, seed=seed
    )
    measured = PretrainingData(
        heldout, tokenizer, objectives, max_length=128, batch_tokens=4096, seed=0
    )
    settings = PretrainingSettings(
        steps=batches // accumulate,
        batch_tokens=batch_tokens,
        gradient_accumulation=accumulate,
        optimizer=optimizer,
        lr=1e-3 * faster,
        schedule="constant",
        warmup=100 // accumulate,
        evaluate_steps=batches // accumulate // 8,
        log_steps=1_000_000,
    )
    with tempfile.TemporaryDirectory() as out, join_processes() as processes:
        done = pretrain_module(
            module,
            data,
            lambda module: {"heldout": evaluate(module, measured)["mlm"]["all"]["loss"]},
            settings,
            folder=Path(out),
            fingerprint="experiment",
            processes=processes,
            bar=ProgressBar(enabled=False),
        )
        lines = map(json.loads, (Path(out) / "metrics.jsonl").read_text().splitlines())
        points = [(line["tokens"], line["heldout"]) for line in lines if line["event"] == "heldout"]
    points.append((done.rows, evaluate(module, measured)["mlm"]["all"]["loss"]))
    return [[way, str(seed), str(tokens), f"{loss:.4f}"] for tokens, loss in points]


def draw(table: Path, picture: Path) -> None:
    """Mean over seeds, and a band from the lowest to the highest."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    for way in WAYS:
        seeds = sorted({row["seed"] for row in rows if row["way"] == way})
        runs = [[r for r in rows if r["way"] == way and r["seed"] == seed] for seed in seeds]
        if not runs:
            continue
        tokens = [int(row["tokens"]) / 1e6 for row in runs[0]]
        losses = [[float(run[i]["loss"]) for run in runs] for i in range(len(tokens))]
        (line,) = axes.plot(tokens, [statistics.mean(found) for found in losses], label=way)
        axes.fill_between(
            tokens, [*map(min, losses)], [*map(max, losses)], color=line.get_color(), alpha=0.15
        )
        print(f"{way}: {statistics.mean(losses[-1]):.3f} {sorted(losses[-1])}")
    axes.set_xlabel("million tokens seen")
    axes.set_ylabel("held-out loss of masked words")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(picture)


def main() -> None:
    """Run what is not in the table yet, then draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="table and picture, without suffix")
    parser.add_argument("--batches", type=int, default=1600)
    parser.add_argument("--tokens", type=int, default=512, help="tokens of a batch")
    parser.add_argument("--draw", action="store_true")
    arguments = parser.parse_args()
    table, picture = arguments.out.with_suffix(".csv"), arguments.out.with_suffix(".svg")
    if not arguments.draw:
        known = set()
        if table.exists():
            with table.open(encoding="utf-8") as file:
                known = {(row["way"], row["seed"]) for row in csv.DictReader(file)}
        else:
            table.write_text("way,seed,tokens,loss\n", "utf-8")
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            tokenizer = Tokenizer.from_vocab(asset("vocabulary", "vocab.txt"))
            write_tokens(raw_text(folder, "train-00", 3000), tokenizer, folder / "train", workers=1)
            write_tokens(raw_text(folder, "heldout", 60), tokenizer, folder / "heldout", workers=1)
            for seed in (1, 2, 3):
                for way in WAYS:
                    if (way, str(seed)) in known:
                        continue
                    rows = one_run(folder, way, seed, arguments.batches, arguments.tokens)
                    with table.open("a", encoding="utf-8", newline="") as file:
                        csv.writer(file).writerows(rows)
                    print(rows[-1], flush=True)
    draw(table, picture)


if __name__ == "__main__":
    main()
