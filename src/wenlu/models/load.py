"""Models by name or folder, and back into folders that load anywhere."""

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from wenlu.assets import asset
from wenlu.checkpoints import (
    Checkpoint,
    expressible,
    read_checkpoint,
    write_huggingface,
    write_wenlu,
)
from wenlu.checkpoints.fields import from_flat, to_flat
from wenlu.errors import CheckpointError, ConfigError, closest
from wenlu.models.bundled import BUNDLED
from wenlu.models.classifier import Classifier
from wenlu.models.hub import hub_folder, is_hub_id
from wenlu.models.model import Model
from wenlu.nn import TransformerConfig
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


def load(name_or_path: str | PathLike[str]) -> Loaded:
    """A model by its bundled name, from a folder, or by its id on the Hugging Face hub.

    A folder may have our layout, Hugging Face's, or Google's TensorFlow one. What comes from the
    hub (`owner/name` or `owner/name@revision`) is kept in its cache, see `wenlu.models.hub`.

    Weights are read without executing code. A tensor that is missing, surplus or of the wrong
    shape is an error that names it.

    Raises:
        CheckpointError: there is no such model, or the folder's parts do not fit together.
    """
    name = str(name_or_path)
    if name in BUNDLED and not BUNDLED[name].trained:
        tokenizer = Tokenizer.from_vocab(asset("vocabulary", "vocab.txt"))
        return Loaded(Model(BUNDLED[name].shape(len(tokenizer))), tokenizer)
    folder = asset("models", name) if name in BUNDLED else _folder(name)
    checkpoint = read_checkpoint(folder)
    model = Model(_config(checkpoint), checkpoint.heads)
    _fill(model, checkpoint)
    return Loaded(model, _tokenizer(folder, checkpoint))


def load_classifier(folder: str | PathLike[str]) -> LoadedClassifier:
    """The classifier that a training run left in `folder`."""
    folder = _folder(str(folder))
    checkpoint = read_checkpoint(folder)
    if not is_wenlu_classifier(checkpoint):
        raise CheckpointError(_NOT_TRAINED.format(folder=folder))
    return classifier_of(checkpoint)


def load_trained(folder: str | PathLike[str], build: Build) -> Trained:
    """The module that a training run left in `folder`, whatever its head.

    Args:
        folder: the model folder of a run.
        build: makes the module, with any weights.

    Raises:
        CheckpointError: there is no such model, or it was not fine-tuned for a task.
    """
    folder = _folder(str(folder))
    checkpoint = read_checkpoint(folder)
    if "task" not in checkpoint.extra:
        raise CheckpointError(_NOT_TRAINED.format(folder=folder))
    task = dict(checkpoint.extra)
    model = Model(_config(checkpoint), checkpoint.heads & {"pooler"})
    module = build(model, checkpoint.pooling or "first", task)
    _fill(module, checkpoint)
    return Trained(module.eval(), _tokenizer(folder, checkpoint), task)


_NOT_TRAINED = (
    "{folder} holds a model that was not fine-tuned by wenlu for a task; "
    "fine-tune it first: wenlu train TASK --model {folder}"
)


def is_wenlu_classifier(checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint is a classifier that says which task it was fine-tuned for."""
    return "classifier" in checkpoint.heads and "task" in checkpoint.extra


def classifier_of(checkpoint: Checkpoint) -> LoadedClassifier:
    """The classifier in a checkpoint that has one, whoever trained it."""
    classifier = Classifier(
        Model(_config(checkpoint), checkpoint.heads & {"pooler"}),
        len(checkpoint.tensors["classifier.weight"]),
        pooling=checkpoint.pooling or "first",
    )
    _fill(classifier, checkpoint)
    tokenizer = _tokenizer(checkpoint.source, checkpoint)
    return LoadedClassifier(classifier.eval(), tokenizer, dict(checkpoint.extra))


def save(
    folder: str | PathLike[str],
    model: nn.Module,
    tokenizer: Tokenizer,
    *,
    labels: list[str] | None = None,
    extra: dict[str, Any] | None = None,
    layout: str | None = None,
    half: bool = False,
) -> Path:
    """Write a folder that `load` reads, and `transformers` too where it has the family.

    Args:
        folder: must not exist, or be empty; appears whole or not at all.
        model: a model, or a fine-tuned module with the model's `config` and `encoder`.
        tokenizer: goes into the same folder.
        labels: names of the classes, in their order.
        extra: what else to keep beside the weights.
        layout: "hf" or "wenlu"; by default "hf" if that can hold the model exactly.
        half: store matrices as float16, in half the space and in our layout; `load` makes them
            float32 again.

    Raises:
        CheckpointError: "hf" was asked for and cannot hold this model, or float16 cannot hold one
            of its weights.
    """
    folder, shape = Path(folder), cast(TransformerConfig, model.config)
    if len(tokenizer) > shape.vocabulary:
        raise CheckpointError(
            f"the vocabulary has {len(tokenizer)} tokens, but the model has vectors for "
            f"{shape.vocabulary}; it is another model's"
        )
    tensors = {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}
    if half:
        if layout == "hf":
            raise CheckpointError("float16 is for the wenlu layout; ask for that one with it")
        layout = "wenlu"
        tensors = {name: _halved(name, tensor) for name, tensor in tensors.items()}
    config = to_flat(shape.to_dict())
    obstacle = expressible(config, tensors)
    if not isinstance(model, Model | Classifier):
        obstacle = f"the head of {type(model).__name__} has no place there"
    if layout == "hf" and obstacle is not None:
        raise CheckpointError(f"the Hugging Face layout cannot hold this model: {obstacle}")
    pooling = getattr(model, "pooling", None)
    if layout == "wenlu" or obstacle is not None:
        write_wenlu(
            folder,
            config=config,
            tensors=tensors,
            labels=labels,
            pooling=pooling,
            extra=extra,
            also=tokenizer.save,
        )
    else:
        write_huggingface(
            folder,
            family=shape.family,
            config=config,
            tensors=tensors,
            labels=labels,
            pooling=pooling,
            extra=extra,
            also=tokenizer.save,
        )
    return folder


def _halved(name: str, tensor: Tensor) -> Tensor:
    """Matrices as float16. Vectors stay: they take no space, and frequencies must be exact."""
    if tensor.ndim < 2:
        return tensor
    halved = tensor.half()
    if not halved.isfinite().all():
        raise CheckpointError(f"{name} holds numbers that float16 cannot hold; save it in float32")
    return halved


def _folder(name: str) -> Path:
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


def _config(checkpoint: Checkpoint) -> TransformerConfig:
    try:
        return TransformerConfig.from_dict(from_flat(checkpoint.config))
    except ConfigError as error:
        raise CheckpointError(f"{checkpoint.source}: {error}") from error


def _fill(module: nn.Module, checkpoint: Checkpoint) -> None:
    """Copy the checkpoint's tensors in; those of heads that the module has not are left out."""
    own = module.state_dict()
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(_find(checkpoint, name, tensor))


def _find(checkpoint: Checkpoint, name: str, like: Tensor) -> Tensor:
    tensor = checkpoint.tensors.get(name)
    if tensor is None:
        raise CheckpointError(
            f"{checkpoint.source} has no tensor {name!r}; the closest are "
            f"{closest(name, checkpoint.tensors)}"
        )
    if tensor.shape != like.shape:
        raise CheckpointError(
            f"{checkpoint.source}: {name} is {tuple(tensor.shape)}; its configuration asks for "
            f"{tuple(like.shape)}"
        )
    return tensor


def _tokenizer(folder: Path, checkpoint: Checkpoint) -> Tokenizer:
    tokenizer = Tokenizer.from_folder(folder)
    rows = checkpoint.config["vocabulary"]
    if len(tokenizer) > rows:
        raise CheckpointError(
            f"{folder}: the vocabulary has {len(tokenizer)} tokens, but the model has vectors for "
            f"{rows}; the vocabulary is another model's"
        )
    return tokenizer
