"""CMRC2018: training and prediction against `transformers`' BertForQuestionAnswering.

The same weights (a random BERT, saved once as a Hugging Face folder), questions, AdamW settings,
learning rate, schedule, clipping and dropout. The peer is its library's example for question
answering: the fast tokenizer cuts the windows (`return_overflowing_tokens`), the Trainer learns
start and end apart, at its default of 8 rows a batch, and the best pairs of the 20 best starts and
ends are taken. Its windows are those of the published method, 512 tokens that begin every 128. Its
rows are padded to the longest of the batch ("dynamic"), the same with rows of similar length
together ("grouped"), or all to 512 ("padded", the example's own default). Ours scores start and end
jointly, so it does the more work in the head.

In prediction, further peers are the library's `question-answering` pipeline, which its versions
before 5 have: `pip install --target OLD --no-deps "transformers<5" "huggingface-hub<1"
"tokenizers<0.23"`, and PYTHONPATH=OLD for the benchmark. "pipeline" is told of the method's
windows, 32 a batch; "pipeline-shared" of windows of 512 tokens that share 128, as ours do, one a
batch, its default; "pipeline-default" of nothing: it takes 384 tokens, shares 128, one a batch.

Training: windows a second, the same ones on both sides; cutting the texts is outside the clock.
Prediction: questions a second; cutting and looking for the best answers are inside.

    python -m bench.reading                             all peers but the pipeline, both shapes
    python -m bench.reading --job predict --peer pipeline
    python -m bench.reading --shape 4x312 --questions 64 --peer dynamic --runs 1
"""

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.fine_tuning import SHAPES, make_model
from bench.side_by_side import Pair, Stopwatch, compare, machine, peak_memory_mb
from bench.text_data import clue_folder
from wenlu.assets import asset
from wenlu.models import load
from wenlu.tasks.clue.cmrc2018 import CMRC2018
from wenlu.tasks.examples import need_split
from wenlu.tasks.reading_layouts import Question

MAX_LENGTH, STEP = 512, 128
BEST_ENDS, LONGEST = 20, 64
PEERS = ("dynamic", "grouped", "padded")
PIPELINES = ("pipeline", "pipeline-shared", "pipeline-default")


def questions(count: int) -> list[Question]:
    """So many of CMRC2018, spread evenly over its training set, or of the bundled sample."""
    folder = clue_folder()
    data = asset("samples", "reading") if folder is None else folder / "cmrc2018"
    [path] = need_split(data, CMRC2018.train_files, "training")
    found = CMRC2018.read(path)
    return found[:: max(1, len(found) // count)][:count]


def train_ours(arguments: argparse.Namespace) -> dict[str, float]:
    """One training by wenlu."""
    from wenlu.training import TrainingSettings, fit, join_processes
    from wenlu.training.progress_bar import ProgressBar

    model, tokenizer = load(arguments.model)
    torch.manual_seed(1)
    module = CMRC2018.build(model, pooling="first")
    encoded = CMRC2018.encode(
        questions(arguments.questions),
        tokenizer,
        max_length=MAX_LENGTH,
        segments=True,
        training=True,
    )
    settings = TrainingSettings(
        epochs=arguments.epochs, warmup=0.0, weight_decay=0.0, precision=arguments.precision
    )
    with tempfile.TemporaryDirectory() as folder, join_processes() as processes:
        done = fit(
            module,
            encoded.data,
            lambda _: {"exact_match": 0.0},
            settings,
            learning_rate=arguments.lr,
            seed=1,
            score="exact_match",
            folder=Path(folder),
            fingerprint="benchmark",
            processes=processes,
            bar=ProgressBar(enabled=False),
        )
    return _report(done.progress.training_seconds, len(encoded.places), arguments.epochs)


def predict_ours(arguments: argparse.Namespace) -> dict[str, float]:
    """One pass over the questions by wenlu."""
    from wenlu.tasks.predicting import predict_rows

    model, tokenizer = load(arguments.model)
    module, asked = CMRC2018.build(model, pooling="first"), questions(arguments.questions)

    def answer(some: list[Question]) -> int:
        encoded = CMRC2018.encode(some, tokenizer, max_length=MAX_LENGTH, segments=True)
        predict_rows(CMRC2018, module, some, encoded, precision=arguments.precision)
        return len(encoded.places)

    answer(asked[:4])
    watch = Stopwatch()
    windows = answer(asked)
    return _report(watch.read()["wall"], windows, questions=len(asked))


def by_length(asked: list[Question], tokenizer: Any) -> dict[int, list[int]]:  # noqa: ANN401
    """Which questions have so many tokens: the library takes one overlap of windows a call."""
    lengths = [
        len(ids)
        for ids in tokenizer([q.question for q in asked], add_special_tokens=False)["input_ids"]
    ]
    groups: dict[int, list[int]] = defaultdict(list)
    for number, length in enumerate(lengths):
        groups[length].append(number)
    return groups


def shared_by_neighbours(question_length: int) -> int:
    """The overlap of windows that start every `STEP` tokens; each has [CLS] and two [SEP]."""
    return MAX_LENGTH - 3 - question_length - STEP


def windows_of(asked: list[Question], tokenizer: Any, padding: bool) -> list[dict[str, Any]]:  # noqa: ANN401
    """The fast tokenizer's windows."""
    rows = []
    for length, numbers in by_length(asked, tokenizer).items():
        cut = tokenizer(
            [asked[n].question for n in numbers],
            [asked[n].context for n in numbers],
            truncation="only_second",
            max_length=MAX_LENGTH,
            stride=shared_by_neighbours(length),
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            padding="max_length" if padding else False,
        )
        for row, sample in enumerate(cut["overflow_to_sample_mapping"]):
            one = {k: cut[k][row] for k in ("input_ids", "token_type_ids", "attention_mask")}
            offsets = cut["offset_mapping"][row]
            text = [k for k, of in enumerate(cut.sequence_ids(row)) if of == 1]
            rows.append({**one, "question": numbers[sample], "offsets": offsets, "text": text})
    return rows


def train_theirs(arguments: argparse.Namespace) -> dict[str, float]:
    """One training by the Trainer."""
    import datasets
    from transformers import (
        AutoModelForQuestionAnswering,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    torch.manual_seed(1)
    model = AutoModelForQuestionAnswering.from_pretrained(arguments.model)
    asked = [
        replace(q, label=(a,))
        for q in questions(arguments.questions)
        for a in q.label or ()
        if a.start is not None
    ]
    features = []
    for row in windows_of(asked, tokenizer, arguments.peer == "padded"):
        answer = (asked[row["question"]].label or ())[0]
        starts = [k for k in row["text"] if row["offsets"][k][0] == answer.start]
        ends = [k for k in row["text"] if row["offsets"][k][1] == answer.start + len(answer.text)]
        inside = bool(starts and ends)
        features.append(
            {
                **{k: row[k] for k in ("input_ids", "token_type_ids", "attention_mask")},
                "start_positions": starts[0] if inside else 0,
                "end_positions": ends[-1] if inside else 0,
            }
        )
    grouped = arguments.peer == "grouped"
    extra = {"train_sampling_strategy": "group_by_length"} if grouped else {}
    with tempfile.TemporaryDirectory() as folder:
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
                seed=1,
                **extra,
            ),
            train_dataset=datasets.Dataset.from_list(features),
            data_collator=DataCollatorWithPadding(tokenizer),
        )
        watch = Stopwatch()
        trainer.train()
        seconds = watch.read()["wall"]
    return _report(seconds, len(features), arguments.epochs)


def predict_theirs(arguments: argparse.Namespace) -> dict[str, float]:
    """One pass over the questions, 32 windows a batch."""
    if arguments.peer in PIPELINES:
        return predict_by_pipeline(arguments)
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    model = AutoModelForQuestionAnswering.from_pretrained(arguments.model).eval()
    asked = questions(arguments.questions)

    @torch.inference_mode()
    def answer(some: list[Question]) -> int:
        rows = windows_of(some, tokenizer, arguments.peer == "padded")
        if arguments.peer == "grouped":
            rows.sort(key=lambda row: len(row["input_ids"]))
        best: dict[int, tuple[float, str]] = {}
        for first in range(0, len(rows), 32):
            part = rows[first : first + 32]
            names = ("input_ids", "token_type_ids", "attention_mask")
            inputs = tokenizer.pad(
                [{k: row[k] for k in names} for row in part], return_tensors="pt"
            )
            found = model(**inputs)
            starts, ends = found.start_logits.numpy(), found.end_logits.numpy()
            for row, start, end in zip(part, starts, ends, strict=True):
                _keep_best(best, row, start, end, some[row["question"]].context)
        return len(rows)

    answer(asked[:4])
    watch = Stopwatch()
    windows = answer(asked)
    return _report(watch.read()["wall"], windows, questions=len(asked))


def predict_by_pipeline(arguments: argparse.Namespace) -> dict[str, float]:
    """One pass over the questions."""
    from transformers import AutoTokenizer, pipeline

    alike = arguments.peer == "pipeline"
    pipe: Any = pipeline("question-answering", arguments.model, batch_size=32 if alike else 1)
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    asked = questions(arguments.questions)
    forward, windows = pipe.model.forward, 0

    def counting(*inputs: Any, **named: Any) -> Any:  # noqa: ANN401
        nonlocal windows
        windows += len(named["input_ids"])
        return forward(*inputs, **named)

    pipe.model.forward = counting

    def answer(some: list[Question]) -> None:
        # The overlap of the method's windows hangs on the question's length, and a call takes one.
        groups = by_length(some, tokenizer) if alike else {0: list(range(len(some)))}
        for length, numbers in groups.items():
            settings: dict[str, int] = {}
            if arguments.peer != "pipeline-default":
                stride = shared_by_neighbours(length) if alike else STEP
                settings = {
                    "max_seq_len": MAX_LENGTH,
                    "doc_stride": stride,
                    "max_answer_len": LONGEST,
                }
            pipe(
                question=[some[n].question for n in numbers],
                context=[some[n].context for n in numbers],
                **settings,
            )

    answer(asked[:4])
    windows = 0
    watch = Stopwatch()
    answer(asked)
    return _report(watch.read()["wall"], windows, questions=len(asked))


def _keep_best(
    best: dict[int, tuple[float, str]],
    row: dict[str, Any],
    start: np.ndarray,
    end: np.ndarray,
    context: str,
) -> None:
    """The library's example: pairs of the 20 best starts and the 20 best ends."""
    text = set(row["text"])
    for i in np.argsort(start)[: -BEST_ENDS - 1 : -1].tolist():
        for j in np.argsort(end)[: -BEST_ENDS - 1 : -1].tolist():
            if i not in text or j not in text or j < i or j - i + 1 > LONGEST:
                continue
            score = float(start[i] + end[j])
            if score > best.get(row["question"], (float("-inf"), ""))[0]:
                piece = context[row["offsets"][i][0] : row["offsets"][j][1]]
                best[row["question"]] = score, piece


def _report(
    seconds: float, windows: int, epochs: int = 1, questions: int | None = None
) -> dict[str, float]:
    return {
        "wall": seconds,
        "per_second": (epochs * windows if questions is None else questions) / seconds,
        "windows": windows,
        "memory_mb": peak_memory_mb(),
    }


SIDES = {
    ("train", "ours"): train_ours,
    ("train", "theirs"): train_theirs,
    ("predict", "ours"): predict_ours,
    ("predict", "theirs"): predict_theirs,
}


def line(name: str, pair: Pair) -> str:
    """A row of the results table."""
    speed, memory = pair.median("per_second"), pair.median("memory_mb")
    windows = pair.median("windows")
    if name.startswith("train") and windows[0] != windows[1]:
        raise SystemExit(f"{name}: {windows[0]:.0f} windows against {windows[1]:.0f}")
    return (
        f"| {name} | {windows[0]:.0f} / {windows[1]:.0f} | {speed[0]:.2f} | {speed[1]:.2f} "
        f"| **{pair.ratio('per_second'):.2f}×** | {memory[0]:.0f} / {memory[1]:.0f} |"
    )


def main() -> None:
    """Compare, or do one side of it (`--side`, which the comparison calls)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=SHAPES)
    parser.add_argument("--job", choices=["train", "predict"])
    parser.add_argument("--peer", choices=[*PEERS, *PIPELINES])
    parser.add_argument("--questions", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--side", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer in PIPELINES and arguments.job != "predict":
        parser.error(f"--peer {arguments.peer} predicts only; say --job predict")
    if arguments.side:
        print(json.dumps(SIDES[arguments.job, arguments.side](arguments)))
        return
    print(f"{machine()}, {arguments.questions} questions, {arguments.runs} runs in turn\n")
    print("| job, shape, peer | windows | ours/s | theirs/s | ratio | peak MB |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    for shape_name in [arguments.shape] if arguments.shape else SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            make_model(Path(folder) / "model", shape_name)
            for job in [arguments.job] if arguments.job else ["train", "predict"]:
                for peer in [arguments.peer] if arguments.peer else PEERS:
                    common = ["--model", f"{folder}/model", "--job", job, "--peer", peer]
                    common += ["--questions", str(arguments.questions), "--lr", str(arguments.lr)]
                    common += ["--epochs", str(arguments.epochs)]
                    common += ["--precision", arguments.precision]
                    pair = compare(
                        "bench.reading",
                        [*common, "--side", "ours"],
                        [*common, "--side", "theirs"],
                        arguments.runs,
                    )
                    print(line(f"{job}, {shape_name}, {peer}", pair), flush=True)


if __name__ == "__main__":
    sys.exit(main())
