"""Hugging Face folders, read."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

import torch
from torch import Tensor

from wenlu.checkpoints import names as tables
from wenlu.checkpoints.beside import read_beside
from wenlu.checkpoints.checkpoint import Checkpoint
from wenlu.checkpoints.configs import from_huggingface
from wenlu.checkpoints.linear_head import activation_name, bend_back
from wenlu.checkpoints.recognise import find_family
from wenlu.checkpoints.skeleton import skeleton_for
from wenlu.checkpoints.strict import take
from wenlu.checkpoints.weights import read_json, read_weights
from wenlu.errors import CheckpointError
from wenlu.nn import Rotary, TransformerConfig

_FIRST = re.compile(
    rf"({'|'.join(re.escape(base) for base in tables.BASES.values())})?"
    r"(embeddings\.word_embeddings\.weight|wte\.weight)"
)
"""The token embeddings, and what stands before them."""

_BUFFERS = re.compile(
    r"embeddings\.(position_ids|token_type_ids)"
    r"|h\.\d+\.attn\.(bias|masked_bias)"
    r"|encoder\.layer\.\d+\.attention\.self\.relative_positions_encoding\.positions_encoding"
)
"""Names, less what stands before them, of constants that are stored beside weights."""

_TIES = {
    "cls.predictions.decoder.weight": "encoder.embeddings.token.weight",
    "cls.predictions.decoder.bias": "mlm.bias",
    "predictions.decoder.weight": "encoder.embeddings.token.weight",
    "predictions.decoder.bias": "mlm.bias",
    "lm_head.weight": "encoder.embeddings.token.weight",
}
"""Copies that some versions store, and what they must equal."""

_ALIASES = {
    "cls.predictions.decoder.bias": "cls.predictions.bias",
    "predictions.decoder.bias": "predictions.bias",
}
"""Names of which some versions store only the first."""

_ADVICE = (
    "If they are a head that wenlu does not have, keep the encoder alone: "
    "transformers.AutoModel.from_pretrained(folder).save_pretrained(another)."
)


def read_huggingface(folder: Path) -> Checkpoint:
    """The model in a Hugging Face folder."""
    file = folder / "config.json"
    stored_config = read_json(file)
    stored = {_modern(name): tensor for name, tensor in read_weights(folder).items()}
    family = find_family(stored_config, stored, file)
    config = from_huggingface(family, stored_config, file)
    architectures = stored_config.get("architectures")
    base = _base(stored, folder)
    check_vocabulary(stored, _first(stored), config, folder)
    stored, ties = _without_constants(stored, base, config, folder)
    straight = _single_layer(family, stored, base, config)
    shapes, constants = skeleton_for(stored, config, folder, bias="classifier.bias")
    for alias, name in _ALIASES.items():
        if alias in ties and name not in stored:
            stored[name] = ties.pop(alias)
    names = tables.huggingface(config, base)
    tensors = take(stored, names, shapes, source=folder, advice=_ADVICE)
    _check_ties(ties, tensors, stored_config, folder)
    beside, notes = read_beside(folder)
    pooling = notes.pooling
    if straight is not None:
        tensors["classifier.weight"] = straight
        if family != "roformer":
            del tensors["pooler.dense.weight"], tensors["pooler.dense.bias"]
        pooling = "first"
    elif {"classifier.bias", "pooler.dense.bias"} <= tensors.keys() and (
        "TokenClass" not in str(architectures)
    ):
        pooling = "pooler"
    twice = sorted(tensors.keys() & beside.keys())
    if twice:
        raise CheckpointError(
            f"{folder} stores {', '.join(twice)} twice, with the model and beside."
        )
    tensors = constants | tensors | beside
    labels, extra = notes.labels or _read_labels(stored_config, file), notes.extra
    if stored_config.get("pooler_activation", "tanh") != "tanh" and "pooler.dense.bias" in tensors:
        extra = {"pooler_activation": stored_config["pooler_activation"], **extra}
    notes = replace(
        notes,
        labels=_checked_labels(labels, tensors, file),
        pooling=pooling if "classifier.weight" in tensors else None,
        extra=extra,
    )
    return Checkpoint(config=config, tensors=tensors, source=folder, notes=notes)


def check_vocabulary(
    stored: Mapping[str, Tensor], name: str, config: TransformerConfig, folder: Path
) -> None:
    """The configuration's vocabulary size is the number of token embeddings."""
    rows = stored[name].shape[0] if stored[name].dim() else 0
    if rows != config.vocabulary:
        raise CheckpointError(
            f"{folder}: the configuration says vocab_size {config.vocabulary}, but {name} has "
            f"{rows} rows. Correct vocab_size, or fetch the files that belong together."
        )


def _read_labels(stored: Mapping[str, Any], file: Path) -> list[str] | None:
    """The labels in the order of the classifier's rows; None if there are none of its own."""
    table = stored.get("id2label")
    if table is None:
        return None
    try:
        numbered = {int(key): label for key, label in table.items()}
    except (AttributeError, ValueError) as error:
        raise CheckpointError(f"{file}: id2label must give each number a label.") from error
    labels = [numbered.get(index) for index in range(len(numbered))]
    if not all(isinstance(label, str) for label in labels):
        raise CheckpointError(
            f"{file}: id2label must number its labels 0, 1, 2, ...: {shortened(table)}."
        )
    return [str(label) for label in labels]


def _checked_labels(
    labels: list[str] | None, tensors: Mapping[str, Tensor], file: Path
) -> list[str] | None:
    if labels is None:
        return None
    rows = len(tensors["classifier.weight"]) if "classifier.weight" in tensors else len(labels)
    if len(labels) != rows:
        raise CheckpointError(
            f"{file}: id2label has {len(labels)} labels, but the classifier has {rows} rows."
        )
    return None if labels == [f"LABEL_{index}" for index in range(rows)] else labels


def _modern(name: str) -> str:
    """Names as they are now; the first releases kept TensorFlow's for the norms."""
    if name.endswith("LayerNorm.gamma"):
        return name.removesuffix("gamma") + "weight"
    return name.removesuffix("beta") + "bias" if name.endswith("LayerNorm.beta") else name


def _first(stored: Mapping[str, Tensor]) -> str:
    return next((name for name in stored if _FIRST.fullmatch(name)), "")


def _base(stored: Mapping[str, Tensor], folder: Path) -> str:
    """What stands before the encoder's names."""
    name = _first(stored)
    if not name:
        raise CheckpointError(
            f"{folder} has no token embeddings: looked for embeddings.word_embeddings.weight and "
            f"wte.weight, bare or after one of {', '.join(sorted(set(tables.BASES.values())))}; "
            f"the first of {len(stored)} tensors are {', '.join(sorted(stored)[:5])}."
        )
    match = _FIRST.fullmatch(name)
    return (match.group(1) or "") if match else ""


def _without_constants(
    stored: Mapping[str, Tensor], base: str, config: TransformerConfig, folder: Path
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The weights, and beside them the copies that must equal one of them."""
    weights, ties = {}, {}
    for name, tensor in stored.items():
        bare = name.removeprefix(base)
        if bare == "encoder.embed_positions.weight":
            _check_sinusoid(name, tensor, config, folder)
        elif name in _TIES:
            ties[name] = tensor
        elif not _BUFFERS.fullmatch(bare):
            weights[name] = tensor
    return weights, ties


def sinusoid(rows: int, size: int) -> Tensor:
    """RoFormer's table of angles as it is stored, (rows, size): sines, then cosines."""
    frequencies = 10_000.0 ** -(torch.arange(0, size, 2, dtype=torch.float64) / size)
    angle = torch.arange(rows, dtype=torch.float64)[:, None] * frequencies
    return torch.cat([angle.sin(), angle.cos()], -1).float()


def _check_sinusoid(name: str, tensor: Tensor, config: TransformerConfig, folder: Path) -> None:
    if not isinstance(config.position, Rotary) or tensor.dim() != 2:
        raise CheckpointError(f"{folder}: {name} {tuple(tensor.shape)} belongs to RoFormer alone.")
    expected = (len(tensor), config.query_size)
    tolerance = 1e-5 if tensor.dtype in (torch.float32, torch.float64) else 1e-2
    # The shape first: the file bounds it, and the configuration does not.
    if tensor.shape != expected or not torch.allclose(
        tensor.float(), sinusoid(*expected), rtol=0, atol=tolerance
    ):
        raise CheckpointError(
            f"{folder}: {name} {tuple(tensor.shape)} is not RoFormer's table of sinusoids with "
            f"base 10000, {expected}; models with other angles cannot be read."
        )


def _check_ties(
    ties: Mapping[str, Tensor],
    tensors: Mapping[str, Tensor],
    stored_config: Mapping[str, Any],
    folder: Path,
) -> None:
    """Copies equal what they are copies of."""
    for name, tensor in sorted(ties.items(), reverse=True):  # weights before biases
        ours = _TIES[name]
        if name != "lm_head.weight" and "mlm.bias" not in tensors:
            raise CheckpointError(
                f"{folder}: {name} is there, but the rest of its head is not; "
                "a head must be whole or absent."
            )
        if tensor.shape != tensors[ours].shape or not torch.equal(tensor.float(), tensors[ours]):
            raise CheckpointError(
                f"{folder}: {name} differs from the tensor it should repeat ({ours}); models whose "
                "output embeddings are not their input embeddings cannot be read."
            )
    weights = ("cls.predictions.decoder.weight", "predictions.decoder.weight", "lm_head.weight")
    untied = stored_config.get("tie_word_embeddings", True) is False
    if untied and "mlm.bias" in tensors and not any(name in ties for name in weights):
        raise CheckpointError(
            f"{folder}: tie_word_embeddings is false, but the output embeddings are not stored."
        )


def _single_layer(
    family: str, stored: dict[str, Tensor], base: str, config: TransformerConfig
) -> Tensor | None:
    """The weight of a one-layer classifier that was kept as two layers, if this is one.

    RoFormer's two layers, which have no counterpart of ours, are made one in `stored`.
    """
    if family == "roformer":
        dense, last = "classifier.dense", "classifier.out_proj"
        activation = activation_name(config)
    else:
        dense = f"{base}pooler" if family == "albert" else f"{base}pooler.dense"
        last, activation = "classifier", "tanh"
    found = [stored.get(name) for name in (f"{dense}.weight", f"{dense}.bias", f"{last}.weight")]
    if any(tensor is None or not tensor.is_floating_point() for tensor in found):
        return None
    weight, bias, classifier = (tensor.float() for tensor in found if tensor is not None)
    single = bend_back(weight, bias, classifier, activation)
    if single is not None and family == "roformer":
        del stored[f"{dense}.weight"], stored[f"{dense}.bias"]
        stored["classifier.weight"] = stored.pop(f"{last}.weight")
        if f"{last}.bias" in stored:
            stored["classifier.bias"] = stored.pop(f"{last}.bias")
    return single
