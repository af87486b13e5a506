"""Pretraining: tokens a second against a plain loop over `transformers`' BertForPreTraining.

The same shape (BERT with learned positions), weights, AdamW settings, precision, batches of equally
many rows of up to 128 tokens, masked words and next-sentence labels. The plain loop is what a
tutorial has: the library's model, its loss over all positions, `torch.optim.AdamW`, gradient
clipping; its batches are made beforehand, ours are made inside the clock. Both run on the GPU if
there is one.

Utilisation is the arithmetic that the model asks for (forward, and twice that backward; the head at
the masked tokens only, no padding, no dropout) in a second, over that of a plain product of large
matrices on the same machine in the same precision.

    python -m bench.pretraining                both shapes
    python -m bench.pretraining --shape 4x256 --runs 5
    python -m bench.pretraining --tokens 131072 --steps 100 --length 512        on a GPU
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

import torch
from wenlu.training.pretraining.loop import pretrain_module

from bench.side_by_side import Pair, compare, machine, peak_memory_mb
from bench.text_data import raw_text
from wenlu.assets import asset
from wenlu.corpus import TokenCorpus, write_tokens
from wenlu.models import Model, save
from wenlu.models.bert import bert
from wenlu.nn import TransformerConfig
from wenlu.text import Tokenizer
from wenlu.training import join_processes
from wenlu.training.precision import Precision, arithmetic, best_device, resolve_precision
from wenlu.training.pretraining import MaskingSettings, PretrainingSettings
from wenlu.training.pretraining.data import PretrainingData
from wenlu.training.pretraining.module import Pretraining
from wenlu.training.pretraining.objectives import make_objectives
from wenlu.training.progress_bar import ProgressBar

SHAPES = {
    "4x256": {"layers": 4, "width": 256, "heads": 4, "inner_width": 1024},
    "6x384": {"layers": 6, "width": 384, "heads": 12, "inner_width": 1536},
}
LEARNING_RATE = 5e-4


def prepare(folder: Path, shape: str) -> None:
    """Text as tokens, and random weights as a Hugging Face folder, which both sides read."""
    tokenizer = Tokenizer.from_vocab(asset("vocabulary", "vocab.txt"))
    write_tokens(raw_text(folder), tokenizer, folder / "tokens", workers=1)
    torch.manual_seed(0)
    config = bert(vocabulary=len(tokenizer), max_length=512, **SHAPES[shape])
    save(folder / "model", Model(config, {"pooler", "mlm", "nsp"}), tokenizer)


def batches(arguments: argparse.Namespace) -> PretrainingData:
    """The same rows for both sides."""
    folder = Path(arguments.folder)
    corpus = TokenCorpus(folder / "tokens")
    tokenizer = corpus.tokenizer()
    objectives = make_objectives(["mlm", "nsp"], tokenizer, MaskingSettings())
    return PretrainingData(
        corpus,
        tokenizer,
        objectives,
        max_length=arguments.length,
        batch_tokens=arguments.tokens,
        seed=1,
    )


def arithmetic_of(config: TransformerConfig, data: PretrainingData, steps: int) -> float:
    """Floating-point operations that the model asks for in the first `steps` updates."""
    tokens = squares = masked = 0
    for block, number in islice(data.batches(0, 0), steps):
        lengths = data.lengths(block, number)
        tokens += int(lengths.sum())
        squares += int((lengths**2).sum())
        masked += len(data.batch(block, number).labels["mlm"].targets)
    width, inner = config.width, config.inner_width
    blocks = config.layers * (tokens * (8 * width**2 + 4 * width * inner) + 4 * width * squares)
    return 3.0 * (blocks + masked * 2 * width * (width + config.vocabulary))


def matrix_rate(precision: Precision, device: torch.device) -> float:
    """Operations a second of a product of large matrices."""
    size = 8192 if device.type == "cuda" else 2048
    a, b = torch.randn(2, size, size, device=device)
    seconds = []
    with arithmetic(precision, device):
        for _ in range(12):
            began = time.perf_counter()
            product = a @ b
            float(product[0, 0])  # waits for the GPU
            seconds.append(time.perf_counter() - began)
    return 2.0 * size**3 / statistics.median(seconds[2:])


def ours(arguments: argparse.Namespace) -> dict[str, float]:
    """Some updates by wenlu."""
    from wenlu.models import load

    data = batches(arguments)
    model = load(Path(arguments.folder) / "model").model
    settings = PretrainingSettings(
        steps=arguments.steps,
        lr=LEARNING_RATE,
        schedule="constant",
        warmup=0,
        beta2=0.999,
        batch_tokens=arguments.tokens,
        log_steps=1,
        precision=arguments.precision,
    )
    with tempfile.TemporaryDirectory() as out, join_processes() as processes:
        done = pretrain_module(
            Pretraining(model, data.objectives),
            data,
            None,
            settings,
            folder=Path(out),
            fingerprint="benchmark",
            processes=processes,
            bar=ProgressBar(enabled=False),
        )
        log = (Path(out) / "metrics.jsonl").read_text().splitlines()
    return {
        **rates(arguments, data, done.rows, done.training_seconds),
        "loss": json.loads(log[-1])["loss"],
    }


def rates(
    arguments: argparse.Namespace, data: PretrainingData, tokens: int, seconds: float
) -> dict[str, float]:
    """Speed, memory and utilisation of one side."""
    memory = peak_memory_mb()
    device = best_device()
    config = bert(vocabulary=len(data.tokenizer), max_length=512, **SHAPES[arguments.shape])
    done = arithmetic_of(config, data, arguments.steps)
    fastest = matrix_rate(resolve_precision(arguments.precision, device), device)
    return {
        "tokens_per_second": tokens / seconds,
        "memory_mb": memory,
        "tflops": done / seconds / 1e12,
        "utilisation": done / seconds / fastest,
    }


def theirs(arguments: argparse.Namespace) -> dict[str, float]:
    """The plain loop."""
    from transformers import BertForPreTraining

    data = batches(arguments)
    device = best_device()
    precision = resolve_precision(arguments.precision, device)
    model = BertForPreTraining.from_pretrained(Path(arguments.folder) / "model").to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
    ready = []
    tokens = 0
    places = data.batches(0, 0)
    for _ in range(arguments.steps):
        block, number = next(places)
        batch = data.batch(block, number)
        labels = torch.full_like(batch.ids, -100).flatten()
        labels[batch.labels["mlm"].places] = batch.labels["mlm"].targets
        following = torch.full((len(batch.ids),), -100)
        pairs = batch.labels["nsp"]
        following[pairs.places // batch.ids.shape[1]] = pairs.targets
        lengths = data.lengths(block, number)
        tokens += int(lengths.sum())
        ready.append(
            {
                "input_ids": batch.ids,
                "token_type_ids": batch.segments,
                "attention_mask": torch.arange(batch.ids.shape[1])
                < torch.from_numpy(lengths)[:, None],
                "labels": labels.view_as(batch.ids),
                "next_sentence_label": following,
            }
        )
    began = time.perf_counter()
    for one in ready:
        with arithmetic(precision, device):
            loss = model(**{name: value.to(device) for name, value in one.items()}).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    last = float(loss.detach())
    seconds = time.perf_counter() - began
    return {**rates(arguments, data, tokens, seconds), "loss": last}


def line(name: str, pair: Pair) -> str:
    """A row of the results table."""
    speed, memory = pair.median("tokens_per_second"), pair.median("memory_mb")
    loss, ratio = pair.median("loss"), pair.ratio("tokens_per_second")
    tflops, share = pair.median("tflops"), pair.median("utilisation")
    return (
        f"| {name} | {speed[0]:,.0f} | {speed[1]:,.0f} | **{ratio:.2f}×** "
        f"| {tflops[0]:.3g} / {tflops[1]:.3g} | {share[0]:.0%} / {share[1]:.0%} "
        f"| {memory[0]:.0f} / {memory[1]:.0f} | {loss[0]:.2f} / {loss[1]:.2f} |"
    )


def main() -> None:
    """Compare, or do one side of it (`--side`, which the comparison calls)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=SHAPES)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=4096, help="tokens of a batch")
    parser.add_argument("--length", type=int, default=128, help="tokens of a row at most")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--side", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        report = ours(arguments) if arguments.side == "ours" else theirs(arguments)
        print(json.dumps(report))
        return
    print(f"{machine()}, {arguments.runs} runs in turn\n")
    print("| shape | ours, tokens/s | plain loop | ratio | TFLOP/s | utilisation ", end="")
    print("| peak MB | last loss |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for shape in [arguments.shape] if arguments.shape else SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            prepare(Path(folder), shape)
            common = ["--folder", folder, "--shape", shape, "--precision", arguments.precision]
            common += ["--steps", str(arguments.steps), "--tokens", str(arguments.tokens)]
            common += ["--length", str(arguments.length)]
            pair = compare(
                "bench.pretraining",
                [*common, "--side", "ours"],
                [*common, "--side", "theirs"],
                arguments.runs,
            )
            print(line(shape, pair), flush=True)


if __name__ == "__main__":
    sys.exit(main())
