"""Models by name or folder."""

from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from wenlu.assets import asset
from wenlu.checkpoints import Checkpoint, read_checkpoint
from wenlu.checkpoints.skeleton import WithoutWeights
from wenlu.errors import CheckpointError, closest
from wenlu.models.bundled import BUNDLED
from wenlu.models.classifier import Classifier
from wenlu.models.filling import fill
from wenlu.models.hub import hub_folder, is_hub_id
from wenlu.models.model import Model
from wenlu.models.parts import add_parts
from wenlu.text import Tokenizer


class Loaded(NamedTuple):
    """A model and the tokenizer that it was trained with."""

    model: Model
    tokenizer: Tokenizer


class Trained(NamedTuple):
    """A fine-tuned module, its tokenizer, and what the folder says of its task."""

    module: nn.Module
    tokenizer: Tokenizer
    task: dict[str, Any]


Build = Callable[[Model, str, dict[str, Any]], nn.Module]
"""Model, pooling and what the folder says of the task -> the module to be filled with weights."""


class LoadedClassifier(NamedTuple):
    """A fine-tuned classifier, its tokenizer, and what the folder says of its task."""

    classifier: Classifier
    tokenizer: Tokenizer
    task: dict[str, Any]


def load(name_or_path: str | PathLike[str], *, parts: Iterable[type] = ()) -> Loaded:
    """A model by its bundled name, from a folder, or by its id on the Hugging Face hub.

    A folder may have our layout, Hugging Face's, or Google's TensorFlow one. What comes from the
    hub (`owner/name` or `owner/name@revision`) is kept in its cache, see `wenlu.models.hub`.

    Weights are read without executing code. A tensor that is missing, surplus or of the wrong
    shape is an error that names it. Weights are held in memory: the folder may go afterwards.

    Args:
        name_or_path: where it is.
        parts: classes of your own that are in the model: parts of its configuration, or modules
            that were saved with it and become attributes of the model. No others are made.

    Raises:
        CheckpointError: there is no such model, or the folder's parts do not fit together.
    """
    parts = tuple(parts)
    name = str(name_or_path)
    if name in BUNDLED and not BUNDLED[name].trained:
        tokenizer = Tokenizer.from_vocab(asset("vocabulary", "vocab.txt"))
        return Loaded(Model(BUNDLED[name].shape(len(tokenizer))), tokenizer)
    checkpoint = read_checkpoint(find_folder(name), parts)
    with WithoutWeights():
        model = Model(checkpoint.config, checkpoint.heads)
        add_parts(model, checkpoint, parts)
    fill(model, checkpoint)
    return Loaded(model, tokenizer_of(checkpoint))


def load_classifier(folder: str | PathLike[str]) -> LoadedClassifier:
    """The classifier that a training run left in `folder`."""
    folder = find_folder(str(folder))
    checkpoint = read_checkpoint(folder)
    if "classifier" not in checkpoint.heads or "task" not in checkpoint.notes.extra:
        raise CheckpointError(_NOT_TRAINED.format(folder=folder))
    with WithoutWeights():
        classifier = Classifier(
            Model(checkpoint.config, checkpoint.heads & {"pooler"}),
            len(checkpoint.tensors["classifier.weight"]),
            pooling=checkpoint.notes.pooling or "first",
        )
    fill(classifier, checkpoint)
    tokenizer = tokenizer_of(checkpoint)
    return LoadedClassifier(classifier.eval(), tokenizer, dict(checkpoint.notes.extra))


def load_trained(folder: str | PathLike[str], build: Build) -> Trained:
    """The module that a training run left in `folder`, whatever its head.

    Args:
        folder: the model folder of a run.
        build: makes the module, with any weights.

    Raises:
        CheckpointError: there is no such model, or it was not fine-tuned for a task.
    """
    folder = find_folder(str(folder))
    checkpoint = read_checkpoint(folder)
    if "task" not in checkpoint.notes.extra:
        raise CheckpointError(_NOT_TRAINED.format(folder=folder))
    task = dict(checkpoint.notes.extra)
    with WithoutWeights():
        model = Model(checkpoint.config, checkpoint.heads & {"pooler"})
        module = build(model, checkpoint.notes.pooling or "first", task)
    fill(module, checkpoint)
    return Trained(module.eval(), tokenizer_of(checkpoint), task)


_NOT_TRAINED = (
    "{folder} holds a model that was not fine-tuned by wenlu for a task; "
    "fine-tune it first: wenlu train TASK --model {folder}"
)


def find_folder(name: str) -> Path:
    """Where a model is: the folder of a bundled one, a folder, or the cache of the hub."""
    if name in BUNDLED and BUNDLED[name].trained:
        return asset("models", name)
    folder = Path(name)
    if folder.is_dir():
        return folder
    if folder.exists():
        raise CheckpointError(f"{name} is a file; give the folder that holds config and weights")
    if is_hub_id(name):
        return hub_folder(name)
    raise CheckpointError(
        f"no model {name!r}: it is neither a folder nor one of the bundled models "
        f"({', '.join(BUNDLED)}), nor owner/name as on the Hugging Face hub; the closest bundled "
        f"ones are {closest(name, BUNDLED)}"
    )


def tokenizer_of(checkpoint: Checkpoint) -> Tokenizer:
    """The tokenizer beside a checkpoint; it has no more tokens than the model has vectors."""
    folder = checkpoint.source
    tokenizer = Tokenizer.from_folder(folder)
    rows = checkpoint.config.vocabulary
    if len(tokenizer) > rows:
        raise CheckpointError(
            f"{folder}: the vocabulary has {len(tokenizer)} tokens, but the model has vectors for "
            f"{rows}; the vocabulary is another model's"
        )
    return tokenizer
