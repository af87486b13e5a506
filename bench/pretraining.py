"""Pretraining: tokens a second against a plain loop over `transformers`' BertForPreTraining.

The same shape (BERT with learned positions), weights, AdamW settings, precision, batches of equally
many rows of 128 tokens, masked words and next-sentence labels. The plain loop is what a tutorial
has: the library's model, its loss over all positions, `torch.optim.AdamW`, gradient clipping; its
batches are made beforehand, ours are made inside the clock.

    python -m bench.pretraining                both shapes
    python -m bench.pretraining --shape 4x256 --runs 5
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import torch

from bench.side_by_side import Pair, compare, machine, peak_memory_mb
from bench.text_data import raw_text
from wenlu.assets import asset
from wenlu.corpus import TokenCorpus, write_tokens
from wenlu.models import Model, save
from wenlu.models.bert import bert
from wenlu.text import Tokenizer
from wenlu.training import join_processes
from wenlu.training.pretraining import MaskingSettings, PretrainingSettings
from wenlu.training.pretraining.data import PretrainingData
from wenlu.training.pretraining.loop import pretrain_module
from wenlu.training.pretraining.module import Pretraining
from wenlu.training.pretraining.objectives import make_objectives
from wenlu.training.progress_bar import ProgressBar

SHAPES = {
    "4x256": {"layers": 4, "width": 256, "heads": 4, "inner_width": 1024},
    "6x384": {"layers": 6, "width": 384, "heads": 12, "inner_width": 1536},
}
LENGTH, LEARNING_RATE = 128, 5e-4


def prepare(folder: Path, shape: str) -> None:
    """Text as tokens, and random weights as a Hugging Face folder, which both sides read."""
    tokenizer = Tokenizer.from_vocab(asset("vocabulary", "vocab.txt"))
    write_tokens(raw_text(folder), tokenizer, folder / "tokens", workers=1)
    torch.manual_seed(0)
    config = bert(vocabulary=len(tokenizer), **SHAPES[shape])
    save(folder / "model", Model(config, {"pooler", "mlm", "nsp"}), tokenizer)


def batches(folder: Path, tokens: int) -> PretrainingData:
    """The same rows for both sides."""
    corpus = TokenCorpus(folder / "tokens")
    tokenizer = corpus.tokenizer()
    objectives = make_objectives(["mlm", "nsp"], tokenizer, MaskingSettings())
    return PretrainingData(
        corpus, tokenizer, objectives, max_length=LENGTH, batch_tokens=tokens, seed=1
    )


def ours(arguments: argparse.Namespace) -> dict[str, float]:
    """Some updates by wenlu."""
    from wenlu.models import load

    folder = Path(arguments.folder)
    data = batches(folder, arguments.tokens)
    model = load(folder / "model").model
    settings = PretrainingSettings(
        steps=arguments.steps,
        lr=LEARNING_RATE,
        schedule="constant",
        warmup_steps=0,
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
        "tokens_per_second": done.rows / done.training_seconds,
        "memory_mb": peak_memory_mb(),
        "loss": json.loads(log[-1])["loss"],
    }


def theirs(arguments: argparse.Namespace) -> dict[str, float]:
    """The plain loop."""
    from transformers import BertForPreTraining

    from wenlu.training.precision import arithmetic, best_device, resolve_precision

    folder = Path(arguments.folder)
    data = batches(folder, arguments.tokens)
    device = best_device()
    precision = resolve_precision(arguments.precision, device)
    model = BertForPreTraining.from_pretrained(folder / "model").to(device).train()
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
        lengths = data.block(block).plan.lengths[data.block(block).batches[number]]
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
    return {"tokens_per_second": tokens / seconds, "memory_mb": peak_memory_mb(), "loss": last}


def line(name: str, pair: Pair) -> str:
    """A row of the results table."""
    speed, memory = pair.median("tokens_per_second"), pair.median("memory_mb")
    loss, ratio = pair.median("loss"), pair.ratio("tokens_per_second")
    return (
        f"| {name} | {speed[0]:,.0f} | {speed[1]:,.0f} | **{ratio:.2f}×** "
        f"| {memory[0]:.0f} / {memory[1]:.0f} | {loss[0]:.2f} / {loss[1]:.2f} |"
    )


def main() -> None:
    """Compare, or do one side of it (`--side`, which the comparison calls)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=SHAPES)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=4096, help="tokens of a batch")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--side", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        report = ours(arguments) if arguments.side == "ours" else theirs(arguments)
        print(json.dumps(report))
        return
    print(f"{machine()}, {arguments.runs} runs in turn\n")
    print("| shape | ours, tokens/s | plain loop | ratio | peak MB | last loss |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    for shape in [arguments.shape] if arguments.shape else SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            prepare(Path(folder), shape)
            common = ["--folder", folder, "--precision", arguments.precision]
            common += ["--steps", str(arguments.steps), "--tokens", str(arguments.tokens)]
            pair = compare(
                "bench.pretraining",
                [*common, "--side", "ours"],
                [*common, "--side", "theirs"],
                arguments.runs,
            )
            print(line(shape, pair), flush=True)


if __name__ == "__main__":
    sys.exit(main())
