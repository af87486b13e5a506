"""Fine-tuning: samples a second against the Hugging Face Trainer, and the accuracy of both.

The same weights (a random BERT with a pooler, saved once as a Hugging Face folder), texts, epochs,
AdamW settings, learning rate, schedule, clipping and dropout. The Trainer runs at its defaults
(batches of 8, padded to the longest) and in its length-grouped setting; we run at ours, and also
with 8 rows a batch. Tokenizing is in both cases outside the clock; evaluation too.

    python -m bench.fine_tuning                  both sets, both shapes
    python -m bench.fine_tuning --set tnews --shape 4x312 --runs 5
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from bench.side_by_side import Pair, Stopwatch, compare, machine, peak_memory_mb
from bench.text_data import labelled
from wenlu.models import load, save
from wenlu.models.bert import bert
from wenlu.models.model import Model
from wenlu.nn import TransformerConfig

SHAPES = {
    "4x312": {"layers": 4, "width": 312, "heads": 12, "inner_width": 1200},
    "6x384": {"layers": 6, "width": 384, "heads": 12, "inner_width": 1536},
}
MAX_LENGTH = 512
SIZES = {"tnews": (800, 1_000), "iflytek": (48, 100)}
"""Training and dev examples; `--scale` multiplies the first."""


def sizes(arguments: argparse.Namespace) -> tuple[int, int]:
    """How many training and dev examples."""
    train, dev = SIZES[arguments.set]
    return train * arguments.scale, dev


def shape(name: str, vocabulary: int) -> TransformerConfig:
    """BERT of that shape."""
    return bert(vocabulary=vocabulary, **SHAPES[name])


def make_model(folder: Path, name: str) -> None:
    """Random weights as a Hugging Face folder, which both sides read."""
    _, tokenizer = load("scratch-2x128")
    torch.manual_seed(0)
    save(folder, Model(shape(name, len(tokenizer)), {"pooler", "mlm", "nsp"}), tokenizer)


def ours(arguments: argparse.Namespace) -> dict[str, float]:
    """One fine-tuning by wenlu."""
    from wenlu.tasks.evaluator import Evaluator
    from wenlu.training import TrainingSettings, fit, join_processes
    from wenlu.training.progress_bar import ProgressBar

    task, train_set, dev_set = labelled(arguments.set, *sizes(arguments))
    model, tokenizer = load(arguments.model)
    torch.manual_seed(arguments.seed)
    module = task.build(model, pooling="pooler")
    encoded = task.encode(train_set, tokenizer, max_length=MAX_LENGTH, segments=True)
    dev = task.encode(dev_set, tokenizer, max_length=MAX_LENGTH, segments=True)
    settings = TrainingSettings(
        epochs=arguments.epochs,
        warmup=0.0,
        weight_decay=0.0,
        batch_rows=arguments.rows or TrainingSettings().batch_rows,
        precision=arguments.precision,
    )
    with tempfile.TemporaryDirectory() as folder, join_processes() as processes:
        evaluator = Evaluator(task, dev_set, dev, settings)
        cheap = iter([{"accuracy": float(i)} for i in range(arguments.epochs)])
        done = fit(
            module,
            encoded.data,
            lambda _: next(cheap),  # the last epoch counts as best; scored once, below
            settings,
            learning_rate=arguments.lr,
            seed=arguments.seed,
            score="accuracy",
            folder=Path(folder),
            fingerprint="benchmark",
            processes=processes,
            bar=ProgressBar(enabled=False),
        )
        seconds = {"wall": done.progress.training_seconds}
        memory = peak_memory_mb()
        scores = evaluator(module)
    return {
        **seconds,
        "samples_per_second": arguments.epochs * len(train_set) / seconds["wall"],
        "memory_mb": memory,
        "accuracy": scores["accuracy"],
    }


def theirs(arguments: argparse.Namespace) -> dict[str, float]:
    """One fine-tuning by the Trainer."""
    import datasets
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    task, train_set, dev_set = labelled(arguments.set, *sizes(arguments))
    index = {label: i for i, label in enumerate(task.labels)}
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    torch.manual_seed(arguments.seed)
    model = AutoModelForSequenceClassification.from_pretrained(
        arguments.model, num_labels=len(task.labels)
    )

    def rows(examples: list) -> datasets.Dataset:  # type: ignore[type-arg]
        encoded = tokenizer([e.texts[0] for e in examples], truncation=True, max_length=MAX_LENGTH)
        return datasets.Dataset.from_dict({**encoded, "labels": [index[e.label] for e in examples]})

    with tempfile.TemporaryDirectory() as folder:
        extra = {"train_sampling_strategy": "group_by_length"} if arguments.grouped else {}
        trainer = Trainer(
            model,
            TrainingArguments(
                folder,
                num_train_epochs=arguments.epochs,
                learning_rate=arguments.lr,
                save_strategy="no",
                logging_strategy="no",
                report_to=[],
                disable_tqdm=True,
                use_cpu=True,
                seed=arguments.seed,
                **({"per_device_train_batch_size": arguments.rows} if arguments.rows else {}),
                **extra,
            ),
            train_dataset=rows(train_set),
            data_collator=DataCollatorWithPadding(tokenizer),
        )
        watch = Stopwatch()
        trainer.train()
        seconds = watch.read()
        memory = peak_memory_mb()
        logits = trainer.predict(rows(dev_set)).predictions
    gold = np.array([index[e.label] for e in dev_set])
    return {
        **seconds,
        "samples_per_second": arguments.epochs * len(train_set) / seconds["wall"],
        "memory_mb": memory,
        "accuracy": float((logits.argmax(-1) == gold).mean()),
    }


def line(name: str, pair: Pair) -> str:
    """A row of the results table."""
    speed, memory = pair.median("samples_per_second"), pair.median("memory_mb")
    accuracy = pair.median("accuracy")
    return (
        f"| {name} | {speed[0]:.1f} | {speed[1]:.1f} | **{pair.ratio('samples_per_second'):.2f}×** "
        f"| {memory[0]:.0f} / {memory[1]:.0f} | {accuracy[0]:.3f} / {accuracy[1]:.3f} |"
    )


def main() -> None:
    """Compare, or do one side of it (`--side`, which the comparison calls)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", choices=SIZES)
    parser.add_argument("--shape", choices=SHAPES)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--scale", type=int, default=1, help="times as many training examples")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lr", type=float, default=3e-4)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--peer", choices=["default", "grouped", "rows"])
    parser.add_argument("--side", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    parser.add_argument("--grouped", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        report = ours(arguments) if arguments.side == "ours" else theirs(arguments)
        print(json.dumps(report))
        return
    print(f"{machine()}, {arguments.runs} runs in turn\n")
    print("| set, shape, peer's setting | ours/s | Trainer/s | ratio | peak MB | accuracy |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    peers = {"default": [], "grouped": ["--grouped"], "rows": ["--rows", "32"]}
    for shape_name in [arguments.shape] if arguments.shape else SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            make_model(Path(folder) / "model", shape_name)
            for data in [arguments.set] if arguments.set else SIZES:
                for peer in [arguments.peer] if arguments.peer else ["default", "grouped"]:
                    common = ["--set", data, "--model", f"{folder}/model"]
                    common += ["--epochs", str(arguments.epochs), "--scale", str(arguments.scale)]
                    pair = compare(
                        "bench.fine_tuning",
                        [*common, "--side", "ours", "--precision", arguments.precision],
                        [*common, "--side", "theirs", *peers[peer]],
                        arguments.runs,
                    )
                    print(line(f"{data}, {shape_name}, {peer}", pair), flush=True)


if __name__ == "__main__":
    sys.exit(main())
