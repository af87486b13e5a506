"""Hugging Face folders, written so that transformers reloads the same model."""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from wenlu.checkpoints import names as tables
from wenlu.checkpoints.beside import write_beside
from wenlu.checkpoints.checkpoint import NOTHING, Notes
from wenlu.checkpoints.configs import to_huggingface
from wenlu.checkpoints.expressible import expressible
from wenlu.checkpoints.folder import new_folder, write_json, write_safetensors
from wenlu.checkpoints.huggingface import sinusoid
from wenlu.checkpoints.linear_head import activation_name, straighten
from wenlu.checkpoints.native import check_labels, fit
from wenlu.checkpoints.skeleton import part_of, parts_in
from wenlu.errors import CheckpointError
from wenlu.nn import Rotary, TransformerConfig

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
    config: TransformerConfig,
    tensors: Mapping[str, Tensor],
    notes: Notes = NOTHING,
    also: Callable[[Path], object] | None = None,
) -> None:
    """Write a model for transformers, whole or not at all.

    `config.json` names the class that fits the heads: for pretraining, for sequence
    classification, or the bare encoder. Heads that this class has no place for are kept beside
    the model in `wenlu_heads.safetensors`, where `read_checkpoint` finds them.

    Args:
        folder: where; it must not exist, or be empty.
        config: of the family `bert`, `roformer`, `albert` or `gpt2`.
        tensors: the state dict.
        notes: what to keep beside. A classifier whose `pooling` is `first` or `pooler` is read by
            transformers as a model for sequence classification; otherwise it lies beside.
        also: called with the new folder before it appears, to write more into it: `tokenizer.save`.

    Raises:
        CheckpointError: the model does not fit its configuration, or Hugging Face's layout cannot
            hold it (see `expressible`).
        RunError: the folder exists and is not empty, or cannot be written.
    """
    source = Path(folder)
    reason = expressible(config, tensors)
    if reason is not None:
        raise CheckpointError(
            f"{folder}: Hugging Face's layout cannot hold this model: {reason}. "
            "Keep it in wenlu's own layout: write_wenlu(...)."
        )
    fitting = fit(config, tensors, source)
    check_labels(notes.labels, fitting, source)
    plan = _plan(config, fitting, notes.pooling)
    with new_folder(folder) as new:
        write_json(new / "config.json", _config(config, plan, notes.labels))
        write_safetensors(new / "model.safetensors", _stored(config, plan, fitting))
        left = {
            name: tensor
            for name, tensor in fitting.items()
            if part_of(name) not in plan.heads | {"encoder"}
        }
        write_beside(new, left, notes)
        if also is not None:
            also(new)


def _plan(config: TransformerConfig, tensors: Mapping[str, Tensor], pooling: str | None) -> _Plan:
    family, heads = config.family, parts_in(tensors)
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


def _single_layer(config: TransformerConfig, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The two layers that compute the same as our one; empty if the activation forbids it."""
    roformer = config.family == "roformer"
    last = config.own_blocks - 1
    norm = {
        name: tensors[f"encoder.blocks.{last}.feed_forward_norm.{name}"]
        for name in ("weight", "bias")
    }
    activation = activation_name(config) if roformer else "tanh"
    two = straighten(tensors["classifier.weight"], activation, norm)
    if two is None:
        return {}
    base = tables.BASES[config.family]
    dense, classifier = f"{base}pooler.dense", "classifier"
    if roformer:
        dense, classifier = "classifier.dense", "classifier.out_proj"
    elif config.family == "albert":
        dense = f"{base}pooler"
    return {
        f"{dense}.weight": two[0],
        f"{dense}.bias": torch.zeros(config.width),
        f"{classifier}.weight": two[1],
        f"{classifier}.bias": tensors["classifier.bias"],
    }


def _stored(
    config: TransformerConfig, plan: _Plan, tensors: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The tensors by Hugging Face's names."""
    base = "" if plan.model == "Model" else tables.BASES[config.family]
    names = tables.huggingface(config, base)
    parts = ["encoder", *(plan.heads - {"classifier"} if plan.classifier else plan.heads)]
    stored = {entry.stored: entry.pack(tensors) for part in parts for entry in names[part]}
    if isinstance(config.position, Rotary):
        table = sinusoid(config.max_length, config.query_size)
        stored[f"{base}encoder.embed_positions.weight"] = table
    return stored | plan.classifier


def _config(config: TransformerConfig, plan: _Plan, labels: Sequence[str] | None) -> dict[str, Any]:
    stored: dict[str, Any] = {"architectures": [f"{_CLASSES[config.family]}{plan.model}"]}
    stored["dtype"] = "float32"
    stored |= to_huggingface(config)
    stored["tie_word_embeddings"] = True
    if plan.labels:
        names = labels or [f"LABEL_{index}" for index in range(plan.labels)]
        stored["id2label"] = {str(index): label for index, label in enumerate(names)}
        stored["label2id"] = {label: index for index, label in enumerate(names)}
    return stored
