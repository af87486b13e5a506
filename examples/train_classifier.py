"""Train a classifier from scratch, measure it and write a run folder.

    python examples/train_classifier.py
    python examples/train_classifier.py --task classify --data my.csv --out runs/my

The first command uses the bundled sample set and takes a minute or two on two cores.
"""

import argparse
from pathlib import Path

import wenlu
from wenlu.assets import asset

parser = argparse.ArgumentParser(description="Train a classifier from scratch.")
parser.add_argument("--task", default="intents")
parser.add_argument("--data", default=asset("samples", "intents"), help="a folder or a file")
parser.add_argument("--model", default="scratch-4x312", help="a bundled model or a model folder")
parser.add_argument("--out", type=Path, default=Path("runs/example"))
parser.add_argument("--epochs", type=int, default=12)
parser.add_argument("--limit", type=int, default=0, help="number of training examples; 0 for all")
arguments = parser.parse_args()

# All settings of a run. They are saved with the run, so it can be repeated.
config = wenlu.RunConfig(
    task=arguments.task,
    data=str(arguments.data),
    model=arguments.model,
    max_length=64,
    seed=1,
    limit=arguments.limit,
    training=wenlu.TrainingSettings(epochs=arguments.epochs),
)

# The same as `wenlu train`. Bad data raises a DataError that names file, line and field.
result = wenlu.train(config, arguments.out, overwrite=True, say=print)

# The result has the content of result.json.
scores, splits = result["scores"], result["splits"]
print(
    f"accuracy {scores['accuracy']:.1%} "
    f"(95 % interval {scores['accuracy_low']:.1%} to {scores['accuracy_high']:.1%}) "
    f"on {splits['dev']['rows']} texts, epoch {result['best_epoch']} of {result['epochs']}"
)
print(f"read {arguments.out / 'report.html'}, then:")
print(f"    python examples/use_a_run.py {arguments.out}")
