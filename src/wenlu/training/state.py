"""What a run needs to resume exactly where it stopped.

A state is a folder that appears whole: it is written beside its final place, then renamed. The
newest whole one counts; a process killed while writing leaves at most an unfinished folder that
is swept away on resume.
"""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from wenlu.atomic import atomic_folder
from wenlu.errors import RunError
from wenlu.parsing import parse_json

_PREFIX = "step-"


class DamagedError(RunError):
    """A file of a state cannot be read."""


@dataclass(slots=True)
class Progress:
    """How far a training is; all numbers are those of the whole run, across resumes."""

    epoch: int = 0
    """Epochs that are finished (of a pretraining: blocks of the corpus)."""
    batch: int = 0
    """Batches of the current epoch that are finished."""
    step: int = 0
    """Steps that are finished."""
    measured: int = 0
    """The last step after which scores were measured."""
    epoch_loss: float = 0.0
    """Sum of the loss since the last measurement, over what was seen."""
    epoch_seen: int = 0
    """Examples or tokens since the last measurement."""
    seen: int = 0
    """Examples (of a pretraining: tokens without padding) that were trained on."""
    training_seconds: float = 0.0
    """Time spent in steps."""
    seconds: float = 0.0
    """Time spent in all."""
    best_epoch: int = 0
    """Epoch with the best scores, from 1; 0 if none was measured."""
    best: dict[str, float] = field(default_factory=dict)
    """Its scores."""
    end: str = ""
    """"finished" or "early stopping", once no more steps follow."""

    def advance(self, seen: int, place: tuple[int, int], loss: float) -> None:
        """Count one more step, which saw so much and is followed by that epoch and batch."""
        self.step += 1
        self.epoch, self.batch = place
        self.seen += seen
        self.epoch_seen += seen
        self.epoch_loss += loss * seen


def save_state(
    folder: Path,
    progress: Progress,
    parts: Mapping[str, Mapping[str, Tensor]],
    optimizer: torch.optim.Optimizer,
    fingerprint: str,
    *,
    carried: Sequence[str] = (),
) -> None:
    """Write a state into `folder` and remove the ones before it.

    Args:
        folder: of the states.
        progress: how far the training is.
        parts: tensors by the name of their part; "model" is what `load_state` takes.
        optimizer: whose state is written.
        fingerprint: of what the run was started with.
        carried: parts that go over from the state before where `parts` does not have them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"{_PREFIX}{progress.step:08d}"
    if progress.measured == progress.step > 0:  # sorts after the state before the measurement
        final = final.with_name(f"{final.name}-measured")
    if final.exists():
        return
    before = _states(folder)
    with atomic_folder(final) as new:
        for name, tensors in {**parts, "optimizer": _optimizer_tensors(optimizer)}.items():
            save_file(_plain(tensors), new / _file(name))
        for name in carried:
            if name not in parts and before and (before[-1] / _file(name)).exists():
                _link(before[-1] / _file(name), new / _file(name))
        (new / "state.json").write_text(
            json.dumps({"progress": asdict(progress), "fingerprint": fingerprint}), "utf-8"
        )
    for old in before:
        shutil.rmtree(old)


def load_state(
    folder: Path, module: nn.Module, optimizer: torch.optim.Optimizer, fingerprint: str
) -> Progress | None:
    """The newest whole state, put into module and optimizer; frozen weights stay as they are.

    None if there is no state yet. Raises RunError if the data or the settings are not those that
    it was made with, or if a file of it is damaged.
    """
    progress = saved_progress(folder, fingerprint)
    if progress is None:
        return None
    module.load_state_dict({**module.state_dict(), **read_part(folder, "model")})
    _restore_optimizer(optimizer, read_part(folder, "optimizer"))
    return progress


def read_part(folder: Path, name: str) -> dict[str, Tensor]:
    """The tensors of one part of the newest whole state; RunError if its file is damaged."""
    file = _states(folder)[-1] / _file(name)
    try:
        return load_file(file)
    except (FileNotFoundError, SafetensorError):
        raise _damaged(file) from None


def saved_progress(folder: Path, fingerprint: str) -> Progress | None:
    """How far the newest whole state is; None and RunError as for `load_state`."""
    saved = _saved(folder)
    if saved is None:
        return None
    progress, made_with = saved
    if made_with != fingerprint:
        raise RunError(
            f"{folder.parent} was started with other data, another model or other settings; it "
            "cannot be resumed with these. Give the same ones, or another --out"
        )
    return progress


def newest_step(folder: Path) -> int | None:
    """Steps that were finished in the newest whole state, whatever it was made with."""
    saved = _saved(folder)
    return None if saved is None else saved[0].step


def _saved(folder: Path) -> tuple[Progress, str] | None:
    """How far the newest whole state is, and the fingerprint that it was made with."""
    states = _states(folder)
    if not states:
        return None
    file = states[-1] / "state.json"
    try:
        saved = parse_json(file.read_bytes())
        return Progress(**saved["progress"]), saved["fingerprint"]
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        raise _damaged(file) from None


def _damaged(file: Path) -> DamagedError:
    return DamagedError(
        f"{file} is damaged or missing, so the run cannot be resumed; --overwrite starts it again"
    )


def sweep(folder: Path) -> None:
    """Remove what a killed process left unfinished."""
    if not folder.is_dir():
        return
    for part in folder.iterdir():
        if not part.name.startswith(_PREFIX):
            shutil.rmtree(part)


def _states(folder: Path) -> list[Path]:
    """Whole states, oldest first."""
    return sorted(folder.glob(f"{_PREFIX}*")) if folder.is_dir() else []


def _file(part: str) -> str:
    return f"{part}.safetensors"


def _link(old: Path, new: Path) -> None:
    """The same file under a second name; a copy where the file system has no such thing."""
    try:
        new.hardlink_to(old)
    except OSError:
        shutil.copyfile(old, new)


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    return {
        f"{index}.{name}": torch.as_tensor(value).cpu().contiguous()
        for index, slots in optimizer.state_dict()["state"].items()
        for name, value in slots.items()
    }


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Any]] = {}
    for key, tensor in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def check_outside(given: Iterable[str | None], out: Path) -> None:
    """Refuse to remove the folder `out` if what the new run is to be made of is in it."""
    for path in (Path(name) for name in given if name):
        if path.exists() and path.resolve().is_relative_to(out.resolve()):
            raise RunError(
                f"{path} is in {out}, which --overwrite would remove; give another --out, or "
                "move it out of there"
            )


def remove(folder: Path) -> None:
    """Remove all states, in a way that leaves none half removed."""
    doomed = folder.with_name(f".{folder.name}-finished")
    if doomed.exists():  # a process was killed while it removed this one
        shutil.rmtree(doomed)
    if folder.exists():
        folder.rename(doomed)
        shutil.rmtree(doomed)
