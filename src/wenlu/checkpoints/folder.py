"""Folders that appear whole or not at all."""

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from wenlu.errors import RunError


@contextmanager
def new_folder(path: str | PathLike[str]) -> Iterator[Path]:
    """A folder to fill that becomes `path` when the block ends well.

    Until then it is a hidden folder beside it; whatever ends the block early, an error or Ctrl-C,
    removes it and leaves nothing behind.

    Raises:
        RunError: `path` exists and is not an empty folder, or cannot be written.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:32]}.{secrets.token_hex(6)}.tmp")
    try:
        if target.exists() and not (target.is_dir() and not any(target.iterdir())):
            raise RunError(
                f"{path} exists already and is not an empty folder; give another name or remove it."
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        yield temporary
        for file in temporary.iterdir():
            _sync(file)
        _sync(temporary)
        if target.exists():
            target.rmdir()  # fails unless it is still empty
        temporary.rename(target)
        _sync(target.parent)
    except BaseException as error:
        shutil.rmtree(temporary, ignore_errors=True)
        if isinstance(error, OSError | SafetensorError):
            reason = getattr(error, "strerror", None) or error
            raise RunError(
                f"cannot write {path}: {reason}. Nothing was changed; "
                f"see to the folder {target.parent} and run it again."
            ) from error
        raise


def write_json(file: Path, content: Mapping[str, Any]) -> None:
    """Write an object as JSON that people can read."""
    text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    file.write_text(text, encoding="utf-8", newline="\n")


def write_safetensors(file: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors, real numbers as float32 unless they are float16.

    The file is as readable as other new ones.
    """
    seen: set[int] = set()
    own = {}
    for name, tensor in tensors.items():
        other = tensor.is_floating_point() and tensor.dtype != torch.float16
        kind = torch.float32 if other else tensor.dtype
        plain = tensor.detach().to("cpu", kind).contiguous()
        place = plain.untyped_storage().data_ptr()
        if place in seen or plain.untyped_storage().nbytes() != plain.nbytes:
            plain = plain.clone()
        seen.add(place)
        own[name] = plain
    file.touch()
    mode = file.stat().st_mode & 0o777
    save_file(own, file, metadata={"format": "pt"})
    file.chmod(mode)


def _sync(path: Path) -> None:
    """Make a file or a folder's entries last through a power cut, where the system allows it."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
