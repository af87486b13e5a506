"""Use a trained model in a program: labels, the texts to show to a person, and bare logits.

    python examples/train_classifier.py
    python examples/use_a_run.py runs/example
    python examples/use_a_run.py runs/example 退货要付运费吗 --surest 0.9

Any run folder of a task on single texts will do; the first line makes one.
"""

import argparse
from pathlib import Path

import torch

import wenlu
from wenlu.models import TextBatch

parser = argparse.ArgumentParser(description="Use a trained model.")
parser.add_argument("run", type=Path, help="a run folder")
parser.add_argument("texts", nargs="*", help="texts to label")
parser.add_argument("--surest", type=float, default=0.8, help="below it, a person should look")
arguments = parser.parse_args()
texts = arguments.texts or ["上周退的那件外套，钱怎么还没到账呀", "明早六点半喊我起床", "你好"]

# Load once, predict often. Texts may be many: they are sorted by length and go in batches.
run = wenlu.Run(arguments.run)
names = run.task.names  # of labels that are codes; those that are words already have none
for text, prediction in zip(texts, run.predict(texts), strict=True):
    probability = prediction.probabilities[prediction.label]
    note = "" if probability >= arguments.surest else "   <- unsure: ask a person"
    print(f"{probability:6.1%}  {names.get(prediction.label, prediction.label)}  {text}{note}")

# The same scores as in result.json, or those of any other labelled file: run.evaluate("new.csv").
measured = run.evaluate()
print(f"\naccuracy {measured['scores']['accuracy']:.1%} on {measured['examples']} dev texts")

# Below Run there is an ordinary PyTorch module and a tokenizer.
classifier, tokenizer, saved = wenlu.load_classifier(arguments.run / "model")
tokens = tokenizer.encode(texts[0]).ids
joined = tokenizer.join(tokens, None, saved["max_length"])  # [CLS] ... [SEP]
with torch.inference_mode():
    logits = classifier(TextBatch(torch.tensor([joined.ids]), segments=None, lengths=None)).logits
print(f"logits of {texts[0]!r}: shape {tuple(logits.shape)}, largest {logits.max():.3f}")
