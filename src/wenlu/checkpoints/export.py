"""Hugging Face folders, written so that transformers reloads the same model."""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from wenlu.checkpoints import names as tables
from wenlu.checkpoints.beside import write_beside
from wenlu.checkpoints.configs import to_huggingface
from wenlu.checkpoints.expressible import expressible
from wenlu.checkpoints.fields import complete, frequency_names
from wenlu.checkpoints.folder import new_folder, write_json, write_safetensors
from wenlu.checkpoints.huggingface import sinusoid
from wenlu.checkpoints.linear_head import straighten
from wenlu.checkpoints.native import check_labels, fit
from wenlu.checkpoints.parameters import part_of
from wenlu.errors import CheckpointError

_CLASSES = {"bert": "Bert", "roformer": "RoFormer", "albert": "Albert", "gpt2": "GPT2"}


class _Plan(NamedTuple):
    """How the heads of a model are kept."""

    model: str
    """What follows the family in the name of the class that reads it."""
    heads: frozenset[str]
    """Heads that this class has, under its names; the others lie beside."""
    classifier: dict[str, Tensor] = {}  # noqa: RUF012 - never changed
    """Weights that stand in for a classifier of one layer."""
    labels: int = 0
    """Rows of the classifier, where this class has one."""


def write_huggingface(
    folder: str | PathLike[str],
    *,
    family: str,
    config: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    labels: Sequence[str] | None = None,
    pooling: str | None = None,
    extra: Mapping[str, Any] | None = None,
    also: Callable[[Path], object] | None = None,
) -> None:
    """Write a model for transformers, whole or not at all.

    `config.json` names the class that fits the heads: for pretraining, for sequence
    classification, or the bare encoder. Heads that this class has no place for are kept beside
    the model in `wenlu_heads.safetensors`, where `read_checkpoint` finds them.

    Args:
        folder: where; it must not exist, or be empty.
        family: `bert`, `roformer`, `albert` or `gpt2`.
        config: the fields of `TransformerConfig`.
        tensors: the state dict.
        labels: the classifier's labels.
        pooling: what the classifier stands on. With `first` or `pooler` transformers reads it as
            a model for sequence classification; otherwise it lies beside.
        extra: notes to keep beside the model; what JSON can hold.
        also: called with the new folder before it appears, to write more into it: `tokenizer.save`.

    Raises:
        CheckpointError: the model does not fit its configuration, or Hugging Face's layout cannot
            hold it (see `expressible`).
        RunError: the folder exists and is not empty, or cannot be written.
    """
    source = Path(folder)
    full = complete({"family": family, **config}, source)
    if full["family"] != family:
        raise CheckpointError(f"{folder}: family is {family}, but the model is {full['family']}.")
    reason = expressible(full, tensors)
    if reason is not None:
        raise CheckpointError(
            f"{folder}: Hugging Face's layout cannot hold this model: {reason}. "
            "Keep it in wenlu's own layout: write_wenlu(...)."
        )
    fitting, heads = fit(full, tensors, source)
    check_labels(labels, fitting, source)
    plan = _plan(full, fitting, heads, pooling)
    with new_folder(folder) as new:
        write_json(new / "config.json", _config(full, plan, labels))
        write_safetensors(new / "model.safetensors", _stored(full, plan, fitting))
        left = {
            name: tensor
            for name, tensor in fitting.items()
            if part_of(name) not in plan.heads | {"encoder"}
        }
        write_beside(new, left, labels=labels, pooling=pooling, extra=extra)
        if also is not None:
            also(new)


def _plan(
    config: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    heads: frozenset[str],
    pooling: str | None,
) -> _Plan:
    family = config["family"]
    if family == "gpt2":
        return _Plan("LMHeadModel", frozenset())
    if "classifier" in heads:
        model, rows = "ForSequenceClassification", len(tensors["classifier.bias"])
        if pooling == "pooler" and "pooler" in heads and family != "roformer":
            return _Plan(model, frozenset({"pooler", "classifier"}), labels=rows)
        single = _single_layer(config, tensors) if pooling == "first" else {}
        if single:
            return _Plan(model, frozenset({"classifier"}), single, rows)
    if family == "roformer":
        return _Plan("ForMaskedLM" if "mlm" in heads else "Model", heads & {"mlm"})
    if {"mlm", "nsp", "pooler"} <= heads:
        return _Plan("ForPreTraining", frozenset({"mlm", "nsp", "pooler"}))
    if "mlm" in heads:
        return _Plan("ForMaskedLM", heads & {"mlm", "pooler"})
    if {"nsp", "pooler"} <= heads and family == "bert":
        return _Plan("ForNextSentencePrediction", frozenset({"nsp", "pooler"}))
    return _Plan("Model", heads & {"pooler"})


def _single_layer(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The two layers that compute the same as our one; empty if the activation forbids it."""
    roformer = config["family"] == "roformer"
    last = 0 if config["share_layers"] else config["layers"] - 1
    norm = {
        name: tensors[f"encoder.blocks.{last}.feed_forward_norm.{name}"]
        for name in ("weight", "bias")
    }
    activation = config["activation"] if roformer else "tanh"
    two = straighten(tensors["classifier.weight"], activation, norm)
    if two is None:
        return {}
    base = tables.BASES[config["family"]]
    dense, classifier = f"{base}pooler.dense", "classifier"
    if roformer:
        dense, classifier = "classifier.dense", "classifier.out_proj"
    elif config["family"] == "albert":
        dense = f"{base}pooler"
    return {
        f"{dense}.weight": two[0],
        f"{dense}.bias": torch.zeros(config["width"]),
        f"{classifier}.weight": two[1],
        f"{classifier}.bias": tensors["classifier.bias"],
    }


def _stored(
    config: Mapping[str, Any], plan: _Plan, tensors: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The tensors by Hugging Face's names."""
    family = config["family"]
    base = "" if plan.model == "Model" else tables.BASES[family]
    names = tables.huggingface(family, config, base)
    parts = ["encoder", *(plan.heads - {"classifier"} if plan.classifier else plan.heads)]
    stored = {entry.stored: entry.pack(tensors) for part in parts for entry in names[part]}
    if frequency_names(config):
        table = sinusoid(config["max_length"], config)
        stored[f"{base}encoder.embed_positions.weight"] = table
    return stored | plan.classifier


def _config(config: Mapping[str, Any], plan: _Plan, labels: Sequence[str] | None) -> dict[str, Any]:
    family = config["family"]
    stored: dict[str, Any] = {"architectures": [f"{_CLASSES[family]}{plan.model}"]}
    stored["dtype"] = "float32"
    stored |= to_huggingface(family, config)
    stored["tie_word_embeddings"] = True
    if plan.labels:
        names = labels or [f"LABEL_{index}" for index in range(plan.labels)]
        stored["id2label"] = {str(index): label for index, label in enumerate(names)}
        stored["label2id"] = {label: index for index, label in enumerate(names)}
    return stored
