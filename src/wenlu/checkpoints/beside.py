"""What another library's layout has no place for, in files of our own beside it."""

from collections.abc import Collection, Mapping
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

from torch import Tensor

from wenlu.checkpoints.checkpoint import Notes
from wenlu.checkpoints.description import read_descriptions
from wenlu.checkpoints.folder import write_json, write_safetensors
from wenlu.checkpoints.safetensors_file import read_safetensors
from wenlu.checkpoints.weights import read_json
from wenlu.errors import CheckpointError

TENSORS, NOTES = "wenlu_heads.safetensors", "wenlu.json"
FORMAT = 1
"""Version of our notes; a reader refuses others."""


def write_beside(folder: Path, tensors: Mapping[str, Tensor], notes: Notes) -> None:
    """Write what there is of it."""
    if tensors:
        write_safetensors(folder / TENSORS, tensors)
    if notes != Notes():
        own: dict[str, Any] = {"wenlu_format": FORMAT, "labels": notes.labels}
        own |= {"pooling": notes.pooling, "extra": dict(notes.extra)}
        if notes.parts:
            own["parts"] = {name: part.to_json() for name, part in notes.parts.items()}
        write_json(folder / NOTES, own)


def read_beside(folder: Path) -> tuple[dict[str, Tensor], Notes]:
    """What lies beside a model; all of it may be absent."""
    file = folder / TENSORS
    tensors = read_safetensors(file) if file.exists() else {}
    file = folder / NOTES
    if not file.exists():
        return tensors, Notes()
    own = read_json(file)
    check_format(own, file, [FORMAT])
    labels, pooling, extra = own.get("labels"), own.get("pooling"), own.get("extra", {})
    if labels is not None and not (
        isinstance(labels, list) and all(isinstance(label, str) for label in labels)
    ):
        raise CheckpointError(f"{file}: labels must be a list of names; it is {shortened(labels)}.")
    if not isinstance(extra, dict) or not (pooling is None or isinstance(pooling, str)):
        raise CheckpointError(f"{file}: extra must be an object and pooling a name.")
    parts = read_descriptions(own.get("parts"), file)
    return tensors, Notes(labels=labels, pooling=pooling, extra=extra, parts=parts)


def check_format(own: Mapping[str, Any], file: Path, known: Collection[int]) -> None:
    """Refuse what a newer wenlu wrote."""
    version = own.get("wenlu_format")
    if not isinstance(version, int) or version not in known:
        raise CheckpointError(
            f"{file}: wenlu_format is {shortened(version)}; this version of wenlu reads "
            f"{' and '.join(map(str, known))}. Update wenlu if a newer one wrote it."
        )
