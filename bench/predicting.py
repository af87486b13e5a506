"""Predicting: 10,000 texts of mixed length against a `transformers` pipeline with batches of 32.

The same fine-tuned weights; tokenizing is inside the clock in both cases, loading is not. The
labels of both must be the same.

    python -m bench.predicting --texts 10000 --runs 3
"""

import argparse
import hashlib
import json
import sys
import tempfile
from pathlib import Path

import torch

from bench.fine_tuning import SHAPES, shape
from bench.side_by_side import Stopwatch, compare, machine, peak_memory_mb
from bench.text_data import labelled
from wenlu.models import Classifier, load, save
from wenlu.models.model import Model
from wenlu.tasks.registry import TASKS
from wenlu.tasks.run import Run

MAX_LENGTH = 512


def mixed_texts(count: int) -> list[str]:
    """Short titles and long descriptions, in turn four to one."""
    short = [e.texts[0] for e in labelled("tnews", count, 1)[1]]
    long = [e.texts[0] for e in labelled("iflytek", count, 1)[1]]
    return [long[i // 5 % len(long)] if i % 5 == 4 else short[i % len(short)] for i in range(count)]


def make_model(folder: Path, name: str) -> None:
    """A random classifier, as a folder that both sides read."""
    _, tokenizer = load("scratch-2x128")
    torch.manual_seed(0)
    task = TASKS["tnews"]
    model = Model(shape(name, len(tokenizer)), {"pooler"})
    extra = {
        "task": task.name,
        "labels": list(task.labels),
        "names": dict(task.names),
        "max_length": MAX_LENGTH,
        "segments": True,
    }
    classifier = Classifier(model, len(task.labels), pooling="pooler")
    save(folder, classifier, tokenizer, labels=list(task.labels), extra=extra, layout="hf")


def ours(arguments: argparse.Namespace) -> dict[str, object]:
    """One pass by wenlu."""
    run, texts = Run(arguments.model), mixed_texts(arguments.texts)
    run.predict(texts[:64])
    watch = Stopwatch()
    labels = [p.label for p in run.predict(texts)]
    return _report(watch, labels)


def theirs(arguments: argparse.Namespace) -> dict[str, object]:
    """One pass by the pipeline."""
    from transformers import pipeline

    texts = mixed_texts(arguments.texts)
    classify = pipeline("text-classification", arguments.model, device="cpu", batch_size=32)
    options = {"truncation": True, "max_length": MAX_LENGTH}
    classify(texts[:64], **options)
    watch = Stopwatch()
    labels = [row["label"] for row in classify(texts, **options)]
    return _report(watch, labels)


def _report(watch: Stopwatch, labels: list[str]) -> dict[str, object]:
    seconds = watch.read()
    return {
        **seconds,
        "texts_per_second": len(labels) / seconds["wall"],
        "memory_mb": peak_memory_mb(),
        "labels": hashlib.sha256(" ".join(labels).encode()).hexdigest()[:12],
    }


def main() -> None:
    """Compare, or do one side of it (`--side`, which the comparison calls)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--shape", choices=SHAPES)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--side", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(ours(arguments) if arguments.side == "ours" else theirs(arguments)))
        return
    print(f"{machine()}, {arguments.texts:,} texts, {arguments.runs} runs in turn\n")
    print("| shape | ours/s | pipeline/s | ratio | peak MB | same labels |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    for name in [arguments.shape] if arguments.shape else SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            make_model(Path(folder) / "model", name)
            common = ["--model", f"{folder}/model", "--texts", str(arguments.texts)]
            pair = compare(
                "bench.predicting",
                [*common, "--side", "ours"],
                [*common, "--side", "theirs"],
                arguments.runs,
            )
        speed, memory = pair.median("texts_per_second"), pair.median("memory_mb")
        same = all(a["labels"] == b["labels"] for a, b in zip(pair.ours, pair.theirs, strict=True))
        print(
            f"| {name} | {speed[0]:.0f} | {speed[1]:.0f} | "
            f"**{pair.ratio('texts_per_second'):.2f}×** | {memory[0]:.0f} / {memory[1]:.0f} | "
            f"{'yes' if same else 'no'} |",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
