"""Use a trained model in a program: labels, texts that a person should check, and logits.

    python examples/train_classifier.py
    python examples/use_a_run.py runs/example
    python examples/use_a_run.py runs/example 退货要付运费吗 --threshold 0.9

It works with the run folder of any task on single texts; the first command makes one.
"""

import argparse
from pathlib import Path

import torch

import wenlu
from wenlu.models import TextBatch

parser = argparse.ArgumentParser(description="Use a trained model.")
parser.add_argument("run", type=Path, help="a run folder")
parser.add_argument("texts", nargs="*", help="texts to classify")
parser.add_argument("--threshold", type=float, default=0.8, help="probability to accept")
arguments = parser.parse_args()
texts = arguments.texts or ["上周退的那件外套，钱怎么还没到账呀", "明早六点半喊我起床", "你好"]

# Load once, predict often. Many texts are sorted by length and predicted in batches.
run = wenlu.Run(arguments.run)
names = run.task.names  # only labels that are codes have names
for text, prediction in zip(texts, run.predict(texts), strict=True):
    probability = prediction.probabilities[prediction.label]
    note = "" if probability >= arguments.threshold else "   <- unsure: ask a person"
    print(f"{probability:6.1%}  {names.get(prediction.label, prediction.label)}  {text}{note}")

# The scores of result.json. For another labelled file: run.evaluate("new.csv").
measured = run.evaluate()
print(f"\naccuracy {measured['scores']['accuracy']:.1%} on {measured['examples']} dev texts")

# Without Run: an ordinary PyTorch module and a tokenizer.
classifier, tokenizer, saved = wenlu.load_classifier(arguments.run / "model")
tokens = tokenizer.encode(texts[0]).ids
joined = tokenizer.join(tokens, None, saved["max_length"])  # [CLS] ... [SEP]
with torch.inference_mode():
    logits = classifier(TextBatch(torch.tensor([joined.ids]), segments=None, lengths=None)).logits
print(f"logits of {texts[0]!r}: shape {tuple(logits.shape)}, largest {logits.max():.3f}")
