"""What another library's layout has no place for, in files of our own beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from wenlu.checkpoints.folder import write_json, write_safetensors
from wenlu.checkpoints.weights import read_json, read_safetensors
from wenlu.errors import CheckpointError

TENSORS, NOTES = "wenlu_heads.safetensors", "wenlu.json"
FORMAT = 1
"""Version of our own files; a reader refuses newer ones."""


class Beside(NamedTuple):
    """Tensors by our names, and notes."""

    tensors: dict[str, Tensor]
    labels: list[str] | None
    pooling: str | None
    extra: dict[str, Any]


def write_beside(
    folder: Path,
    tensors: Mapping[str, Tensor],
    *,
    labels: Sequence[str] | None,
    pooling: str | None,
    extra: Mapping[str, Any] | None,
) -> None:
    """Write what there is of it."""
    if tensors:
        write_safetensors(folder / TENSORS, tensors)
    if labels is not None or pooling is not None or extra:
        notes = {"labels": None if labels is None else list(labels), "pooling": pooling}
        own = {"wenlu_format": FORMAT, **notes, "extra": dict(extra or {})}
        write_json(folder / NOTES, own)


def read_beside(folder: Path) -> Beside:
    """What lies beside a model; all of it may be absent."""
    file = folder / TENSORS
    tensors = read_safetensors(file) if file.is_file() else {}
    file = folder / NOTES
    if not file.is_file():
        return Beside(tensors, None, None, {})
    own = read_json(file)
    check_format(own, file)
    labels, pooling, extra = own.get("labels"), own.get("pooling"), own.get("extra", {})
    if labels is not None and not (
        isinstance(labels, list) and all(isinstance(label, str) for label in labels)
    ):
        raise CheckpointError(f"{file}: labels must be a list of names; it is {labels!r}.")
    if not isinstance(extra, dict) or not (pooling is None or isinstance(pooling, str)):
        raise CheckpointError(f"{file}: extra must be an object and pooling a name.")
    return Beside(tensors, labels, pooling, extra)


def check_format(own: Mapping[str, Any], file: Path) -> None:
    """Refuse what a newer wenlu wrote."""
    version = own.get("wenlu_format")
    if version != FORMAT:
        raise CheckpointError(
            f"{file}: wenlu_format is {version!r}; this version of wenlu reads {FORMAT}. "
            "Update wenlu if a newer one wrote it."
        )
