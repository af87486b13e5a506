"""What kind of folder it is, by what is in it and never by what it is called."""

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from reprlib import repr as shortened
from typing import Any, Literal

from wenlu.checkpoints.configs import FAMILIES
from wenlu.checkpoints.weights import WEIGHTS, find_weights, read_json
from wenlu.errors import CheckpointError, closest

Layout = Literal["wenlu", "huggingface", "tensorflow"]
"""Our own layout, Hugging Face's, or that of Google's TensorFlow checkpoints."""

_SIGNS = {
    "gpt2": ("wte.weight", "wpe.weight"),
    "albert": ("albert_layer_groups.0.", "group_0/inner_group_0/"),
    "roformer": ("encoder.embed_positions.weight",),
    "nezha": ("relative_positions_encoding",),
    "bert": ("embeddings.position_embeddings.weight", "embeddings/position_embeddings"),
}
"""Parts of names that only one family has; earlier families go before later ones."""

TOKENIZER_FILES = (
    "vocab.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "spiece.vocab",
    "sentencepiece.bpe.model",
    "tokenizer.model",
    "chinese_vocab.model",
)
"""What files of a tokenizer are called, ours and others'."""


def recognise(folder: str | PathLike[str]) -> Layout:
    """The layout of a folder.

    Raises:
        CheckpointError: there is no such folder, or nothing in it that can be read; the message
            lists what was found and what would do.
    """
    folder = Path(folder)
    if folder.is_file():
        raise CheckpointError(f"{folder} is a file; give the folder that it is in.")
    if not folder.is_dir():
        raise CheckpointError(f"there is no folder {folder}.")
    config = folder / "config.json"
    if config.exists() and read_json(config).get("model_type") == "wenlu":
        return "wenlu"
    weights, indices = find_weights(folder), bundle_indices(folder)
    if config.exists() and weights is not None:
        return "huggingface"
    if indices and tensorflow_configs(folder):
        return "tensorflow"
    there = ", ".join(sorted(path.name for path in folder.iterdir())[:20]) or "nothing"
    if weights is not None or indices:
        file = weights or indices[0]
        wanted = "config.json" if weights is not None else "bert_config.json"
        raise CheckpointError(f"{folder} has weights ({file.name}) but no {wanted}; found {there}.")
    raise CheckpointError(
        f"{folder} has no weights: looked for {', '.join(WEIGHTS)} and *.ckpt.index; found {there}."
    )


def tensorflow_configs(folder: Path) -> list[Path]:
    """The files that may be the configuration of a TensorFlow checkpoint, likeliest first."""
    usual = [folder / name for name in ("bert_config.json", "albert_config.json", "config.json")]
    found = [file for file in usual if file.exists()]
    not_models = ("tokenizer_config.json", "generation_config.json", "preprocessor_config.json")
    return found or sorted(
        file for file in folder.glob("*_config*.json") if file.name not in not_models
    )


def bundle_indices(folder: Path) -> list[Path]:
    """The indices of TensorFlow checkpoints in a folder."""
    return sorted(file for file in folder.glob("*.index") if ".ckpt" in file.name) or sorted(
        folder.glob("*.index")
    )


def tokenizer_files(folder: str | PathLike[str]) -> list[Path]:
    """The files of a folder that belong to its tokenizer."""
    return [Path(folder) / name for name in TOKENIZER_FILES if (Path(folder) / name).is_file()]


def find_family(stored: Mapping[str, Any], names: Iterable[str], source: Path) -> str:
    """The family of a model, from its configuration and checked against its tensors.

    Args:
        stored: the other library's configuration.
        names: the names of the stored tensors.
        source: the configuration's file, for messages.
    """
    stated = stored.get("model_type")
    if stated is not None and not (isinstance(stated, str) and stated in FAMILIES):
        raise CheckpointError(
            f"{source}: model_type is {shortened(stated)}; can read {', '.join(FAMILIES)}, "
            f"the closest is {closest(shortened(stated), FAMILIES, 1)}."
        )
    names = list(names)
    seen, sign = _by_tensors(stored, names)
    if stated is None and seen is None:
        stated = _by_architecture(stored) or _by_absence(stored, names)
    if stated is None and seen is None:
        raise CheckpointError(
            f"{source} does not say which family the model is, and neither do the tensors: they "
            "have no position embeddings, so it may be RoFormer or NEZHA. "
            'Add "model_type": "roformer" or "nezha" to it.'
        )
    if stated is not None and seen is not None and stated != seen:
        raise CheckpointError(
            f"{source} says the model is {stated}, but {sign} is a sign of {seen}. "
            f'If it is right, set "model_type": "{seen}" there.'
        )
    if stated == "bert" and seen is None:
        raise CheckpointError(
            f"{source} says the model is bert, but it has no position embeddings. "
            'If it is RoFormer or NEZHA, set "model_type": "roformer" or "nezha" there.'
        )
    return stated or seen or "bert"


def _by_tensors(stored: Mapping[str, Any], names: list[str]) -> tuple[str | None, str]:
    """The family that names of tensors give away, and what gave it away."""
    for family, signs in _SIGNS.items():
        for sign in signs:
            name = next((name for name in names if sign in name), None)
            if name is not None:
                return family, f"the tensor {name}"
    if stored.get("use_relative_position") is True:
        return "nezha", '"use_relative_position": true'
    if "rotary_value" in stored:
        return "roformer", '"rotary_value"'
    return None, ""


def _by_absence(stored: Mapping[str, Any], names: list[str]) -> str | None:
    """RoFormer, for a TensorFlow checkpoint that has BERT's names but no positions.

    NEZHA has none either, but its code makes no such checkpoint without `use_relative_position`.
    """
    like_bert = any(name.startswith("bert/encoder/layer_0/") for name in names)
    return "roformer" if like_bert and "use_relative_position" not in stored else None


def _by_architecture(stored: Mapping[str, Any]) -> str | None:
    """The family that a class name gives away: BertForMaskedLM, RoFormerModel."""
    classes = stored.get("architectures") or [""]
    name = str(classes[0]).lower() if isinstance(classes, list) else ""
    return next((family for family in FAMILIES if name.startswith(family)), None)
