"""CLUENER: training and prediction against token classification with `transformers`.

Training: the same weights (a random BERT, saved once as a Hugging Face folder), texts, epochs, rows
a batch, AdamW, learning rate, schedule, clipping and dropout. The peer is a plain loop around
`BertForTokenClassification` over BIO tags, batches padded to their longest row. Tokenizing is in
both cases outside the clock; evaluation too.

Prediction: from texts to entities with their places, by what the two trainings left behind. The
peer is the `token-classification` pipeline, or a plain loop with batches of 32 (`--peer loop`).

Decoding: 1,000 texts of 256 tokens and all types; how much time the encoder takes, the head (its
scores of all spans), and what comes after (what is above 0, as places in the text).

    python -m bench.spans                          all three, both shapes
    python -m bench.spans --shape 4x312 --head efficient --runs 5
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.fine_tuning import SHAPES, make_model
from bench.side_by_side import Stopwatch, compare, machine, peak_memory_mb, run_once
from bench.text_data import clue_folder
from wenlu.assets import asset
from wenlu.evaluation.counting import piece_scores
from wenlu.models import load, save
from wenlu.models.span_tagger import found_spans
from wenlu.nn import Padding, real_tokens
from wenlu.tasks.examples import need_split
from wenlu.tasks.registry import TASKS
from wenlu.tasks.run import Run
from wenlu.tasks.span_layouts import Span
from wenlu.tasks.spans import MarkedText, SpanExtraction
from wenlu.text import token_span

MAX_LENGTH = 256
ROWS = 32


def marked(train: int, dev: int) -> tuple[SpanExtraction, list[MarkedText], list[MarkedText]]:
    """The first so many examples of CLUENER, if it is at hand, else of the bundled sample."""
    folder = clue_folder()
    task, data = TASKS["entities"], asset("samples", "entities")
    if folder is not None and (folder / "cluener2020").is_dir():
        task, data = TASKS["cluener"], folder / "cluener2020"
    assert isinstance(task, SpanExtraction)
    [train_file] = need_split(data, task.train_files, "training")
    [dev_file] = need_split(data, task.dev_files, "dev")
    examples = task.read(train_file)
    task = task.adapt(examples, train_file)
    return task, examples[:train], task.read(dev_file)[:dev]


def f1(examples: Sequence[MarkedText], found: Sequence[Sequence[Span]]) -> float:
    """Micro-F1 over spans."""
    return piece_scores([e.label or () for e in examples], found)["f1"].value


def train_ours(arguments: argparse.Namespace) -> dict[str, float]:
    """One training by wenlu, kept for predicting."""
    from wenlu.tasks.evaluator import Evaluator
    from wenlu.training import TrainingSettings, fit, join_processes
    from wenlu.training.progress_bar import ProgressBar

    task, train_set, dev_set = marked(arguments.texts, arguments.dev)
    task = task.with_head(arguments.head)
    model, tokenizer = load(arguments.model)
    torch.manual_seed(arguments.seed)
    module = task.build(model, pooling="first")
    rows = task.encode(train_set, tokenizer, max_length=MAX_LENGTH, segments=True, training=True)
    dev = task.encode(dev_set, tokenizer, max_length=MAX_LENGTH, segments=True)
    settings = TrainingSettings(
        epochs=arguments.epochs,
        warmup=0.0,
        weight_decay=0.0,
        batch_rows=ROWS,
        precision=arguments.precision,
    )
    with tempfile.TemporaryDirectory() as folder, join_processes() as processes:
        cheap = iter([{"f1": float(i)} for i in range(arguments.epochs)])
        done = fit(
            module,
            rows.data,
            lambda _: next(cheap),  # the last epoch counts as best; scored once, below
            settings,
            learning_rate=arguments.lr,
            seed=arguments.seed,
            score="f1",
            folder=Path(folder),
            fingerprint="benchmark",
            processes=processes,
            bar=ProgressBar(enabled=False),
        )
        memory = peak_memory_mb()
        scores = Evaluator(task, dev_set, dev, settings)(module)
    extra = {"task": task.name, **task.saved(), "max_length": MAX_LENGTH, "segments": True}
    shutil.rmtree(arguments.left, ignore_errors=True)  # an earlier run's
    save(arguments.left, module, tokenizer, extra=extra)
    wall = done.progress.training_seconds
    return {
        "wall": wall,
        "samples_per_second": arguments.epochs * len(train_set) / wall,
        "memory_mb": memory,
        "f1": scores["f1"],
    }


def train_theirs(arguments: argparse.Namespace) -> dict[str, float]:
    """One training by a plain loop, kept for predicting."""
    from transformers import (
        AutoTokenizer,
        BertForTokenClassification,
        get_linear_schedule_with_warmup,
    )

    task, train_set, dev_set = marked(arguments.texts, arguments.dev)
    tags = ["O", *(f"{mark}-{label}" for label in task.labels for mark in "BI")]
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    torch.manual_seed(arguments.seed)
    random.seed(arguments.seed)
    model = BertForTokenClassification.from_pretrained(
        arguments.model, num_labels=len(tags), id2label=dict(enumerate(tags))
    )
    encoded = tokenizer(
        [e.texts[0] for e in train_set],
        truncation=True,
        max_length=MAX_LENGTH,
        return_offsets_mapping=True,
    )
    rows = [
        {"input_ids": ids, "labels": _bio(e, offsets, tags)}
        for e, ids, offsets in zip(
            train_set, encoded["input_ids"], encoded["offset_mapping"], strict=True
        )
    ]
    steps = arguments.epochs * -(-len(rows) // ROWS)
    optimizer = torch.optim.AdamW(model.parameters(), lr=arguments.lr, weight_decay=0.0)
    schedule = get_linear_schedule_with_warmup(optimizer, 0, steps)
    watch = Stopwatch()
    model.train()
    for _ in range(arguments.epochs):
        random.shuffle(rows)
        for start in range(0, len(rows), ROWS):
            batch = rows[start : start + ROWS]
            padded = tokenizer.pad(
                {"input_ids": [row["input_ids"] for row in batch]}, return_tensors="pt"
            )
            width = padded["input_ids"].shape[1]
            labels = [row["labels"] + [-100] * (width - len(row["labels"])) for row in batch]
            loss = model(**padded, labels=torch.tensor(labels)).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    seconds = watch.read()
    memory = peak_memory_mb()
    model.save_pretrained(arguments.left)
    tokenizer.save_pretrained(arguments.left)
    found = list(_loop(model.eval(), tokenizer, [e.texts[0] for e in dev_set]))
    return {
        **seconds,
        "samples_per_second": arguments.epochs * len(train_set) / seconds["wall"],
        "memory_mb": memory,
        "f1": f1(dev_set, found),
    }


def _bio(example: MarkedText, offsets: list[tuple[int, int]], tags: list[str]) -> list[int]:
    """The tags of a text's tokens; of entities that overlap, the later one's."""
    found = [-100, *[0] * (len(offsets) - 2), -100]
    for start, end, kind in example.label or ():
        place = token_span(offsets[1:-1], start, end)
        if place is not None:
            first, last = place
            found[first + 1] = tags.index(f"B-{kind}")
            found[first + 2 : last + 2] = [tags.index(f"I-{kind}")] * (last - first)
    return found


def predict_ours(arguments: argparse.Namespace) -> dict[str, float]:
    """One pass by wenlu, from texts to entities."""
    run, texts = Run(arguments.left, precision=arguments.precision), dev_texts(arguments)
    run.predict(texts[:64])
    watch = Stopwatch()
    found = [p.spans for p in run.predict(texts)]
    return _speed(watch, found)


def predict_theirs(arguments: argparse.Namespace) -> dict[str, float]:
    """One pass by the pipeline, or by a plain loop."""
    from transformers import AutoTokenizer, BertForTokenClassification, pipeline

    tokenizer = AutoTokenizer.from_pretrained(arguments.left)
    model = BertForTokenClassification.from_pretrained(arguments.left).eval()
    texts = dev_texts(arguments)
    if arguments.peer == "loop":
        list(_loop(model, tokenizer, texts[:64]))
        watch = Stopwatch()
        return _speed(watch, list(_loop(model, tokenizer, texts)))
    pipe = pipeline(
        "token-classification", model, tokenizer=tokenizer, aggregation_strategy="simple"
    )
    pipe(texts[:64], batch_size=ROWS)
    watch = Stopwatch()
    found = [
        [Span(entity["start"], entity["end"], entity["entity_group"]) for entity in row]
        for row in pipe(texts, batch_size=ROWS)
    ]
    return _speed(watch, found)


def dev_texts(arguments: argparse.Namespace) -> list[str]:
    """As many texts as are asked for."""
    dev = [e.texts[0] for e in marked(1, arguments.predict)[2]]
    return [dev[i % len(dev)] for i in range(arguments.predict)]


def _speed(watch: Stopwatch, found: Sequence[Sequence[Span]]) -> dict[str, float]:
    seconds = watch.read()
    return {
        **seconds,
        "samples_per_second": len(found) / seconds["wall"],
        "memory_mb": peak_memory_mb(),
        "entities": sum(map(len, found)),
    }


def _loop(model: Any, tokenizer: Any, texts: Sequence[str]) -> Iterator[list[Span]]:  # noqa: ANN401
    """Entities of texts: batches in their order, the likeliest tag of each token."""
    tags = model.config.id2label
    for start in range(0, len(texts), ROWS):
        batch = tokenizer(
            list(texts[start : start + ROWS]),
            truncation=True,
            max_length=MAX_LENGTH,
            padding=True,
            return_offsets_mapping=True,
            return_tensors="pt",
        )
        offsets = batch.pop("offset_mapping").tolist()
        with torch.no_grad():
            best = model(**batch).logits.argmax(-1).tolist()
        for row, places in zip(best, offsets, strict=True):
            found: list[Span] = []
            open_ = False
            for number, (first, last) in zip(row, places, strict=True):
                mark, _, kind = tags[number].partition("-")
                if first == last or mark == "O":  # a special token, or nothing
                    open_ = False
                elif mark == "I" and open_ and found[-1].type == kind:
                    found[-1] = found[-1]._replace(end=last)
                else:
                    found.append(Span(first, last, kind))
                    open_ = True
            yield found


def decoding(arguments: argparse.Namespace) -> dict[str, float]:
    """Where the time goes for texts of 256 tokens."""
    from wenlu.training.allocator import keep_freed_memory
    from wenlu.training.precision import arithmetic, resolve_precision

    keep_freed_memory()
    run = Run(arguments.left, precision=arguments.precision)
    task, module = run.task, run.module
    whole = "".join(dev_texts(arguments))
    ids = run.tokenizer.encode(whole).offsets or []
    size = MAX_LENGTH - 2
    texts = []
    for number in range(arguments.decode):
        first = number * size % (len(ids) - size)
        texts.append(whole[ids[first][0] : ids[first + size - 1][1]])
    examples = task.typed([(text,) for text in texts])
    encoded = task.encode(examples, run.tokenizer, max_length=MAX_LENGTH, segments=True)
    rows = len(encoded.data.lengths)  # a text that was cut inside a word can need a second one
    device = next(module.parameters()).device
    spent = {"encoder": 0.0, "head": 0.0, "decoding": 0.0}
    found: list[Any] = []
    with torch.inference_mode(), arithmetic(resolve_precision(run.precision, device), device):
        for turn in (False, True):  # once to warm up
            found.clear()
            for start in range(0, rows if turn else min(ROWS, rows), 16):
                batch = encoded.data.batch(np.arange(start, min(start + 16, rows)))
                mask = None
                if batch.lengths is not None:
                    mask = Padding(real_tokens(batch.lengths, batch.ids.shape[1]))
                watch = Stopwatch()
                module.encoder(batch.ids, None, mask)
                encoder = watch.read()["processor"]
                watch = Stopwatch()
                outputs = module(batch)
                both = watch.read()["processor"]
                watch = Stopwatch()
                found += found_spans(outputs.scores)
                after = watch.read()["processor"]
                if turn:
                    spent["encoder"] += encoder
                    spent["head"] += both - encoder
                    spent["decoding"] += after
    watch = Stopwatch()
    predictions = task.decode(found, examples, encoded)
    spent["decoding"] += watch.read()["processor"]
    return {
        **spent,
        "share": spent["decoding"] / spent["encoder"],
        "share_with_head": (spent["decoding"] + spent["head"]) / spent["encoder"],
        "entities": sum(len(p.spans) for p in predictions),
    }


SIDES = {
    "train-ours": train_ours,
    "train-theirs": train_theirs,
    "predict-ours": predict_ours,
    "predict-theirs": predict_theirs,
    "decoding": decoding,
}


def main() -> None:
    """Compare, or do one side of it (`--side`, which the comparison calls)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=SHAPES)
    parser.add_argument("--head", default="global", choices=["global", "efficient"])
    parser.add_argument("--peer", default="pipeline", choices=["pipeline", "loop"])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--texts", type=int, default=2_000, help="training texts")
    parser.add_argument("--dev", type=int, default=500, help="texts to score both trainings by")
    parser.add_argument("--predict", type=int, default=2_000, help="texts to predict")
    parser.add_argument("--decode", type=int, default=1_000, help="texts to decode")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lr", type=float, default=5e-4)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    parser.add_argument("--left", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(SIDES[arguments.side](arguments)))
        return
    print(f"{machine()}, {arguments.runs} runs in turn\n")
    print("| what, shape, head, peer | ours/s | theirs/s | ratio | peak MB | F1, or entities |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    for shape in [arguments.shape] if arguments.shape else SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            make_model(Path(folder) / "model", shape)
            compared(arguments, shape, Path(folder))


def compared(arguments: argparse.Namespace, shape: str, folder: Path) -> None:
    """The lines of one shape."""
    names = ("head", "peer", "epochs", "texts", "dev", "predict", "decode", "lr", "precision")
    common = [part for name in names for part in (f"--{name}", str(getattr(arguments, name)))]
    common += ["--model", str(folder / "model")]
    for what, quality in (("train", "f1"), ("predict", "entities")):
        pair = compare(
            "bench.spans",
            [*common, "--left", str(folder / "ours"), "--side", f"{what}-ours"],
            [*common, "--left", str(folder / "theirs"), "--side", f"{what}-theirs"],
            arguments.runs,
        )
        speed, memory = pair.median("samples_per_second"), pair.median("memory_mb")
        good = pair.median(quality)
        name = f"{what}, {shape}, {arguments.head}, {arguments.peer}"
        ratio = pair.ratio("samples_per_second")
        print(
            f"| {name} | {speed[0]:.1f} | {speed[1]:.1f} | **{ratio:.2f}×** "
            f"| {memory[0]:.0f} / {memory[1]:.0f} | {good[0]:.4g} / {good[1]:.4g} |",
            flush=True,
        )
    left = ["--left", str(folder / "ours"), "--side", "decoding"]
    spent = run_once("bench.spans", [*common, *left])
    print(
        f"\n{shape}, {arguments.head}, {arguments.decode:,} texts of {MAX_LENGTH} tokens: "
        f"encoder {spent['encoder']:.1f} s, head {spent['head']:.2f} s, decoding "
        f"{spent['decoding']:.2f} s, which is {spent['share']:.1%} of the encoder's time "
        f"({spent['share_with_head']:.1%} with the head); {spent['entities']:,} pieces found\n",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
