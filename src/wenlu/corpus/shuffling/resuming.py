"""What a shuffle that was stopped leaves behind, and how it is resumed.

Every now and then, when no block is on its way to the buckets, how far the reading has got and how
full each bucket is are written down. What comes into the buckets after that is cut off again when
the shuffle is gone on with. The fingerprints of what is read and what is written are compared in
the end as always, so a bucket that has suffered meanwhile is noticed.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wenlu.atomic import atomic_write, leftovers
from wenlu.corpus.places import Place
from wenlu.corpus.shuffling.inputs import Inputs
from wenlu.corpus.shuffling.plan import Plan
from wenlu.corpus.shuffling.target import Target
from wenlu.errors import RunError

LEAST = 10**10
"""Bytes of input from which on a shuffle that is stopped can be resumed."""

_STEPS = 50  # as often it is written down how far the reading has got, at most
_LEAST_STEP = 1 << 30
_STATE, _CARRY = "state.json", "carry"
_VERSION = 1


class Progress:
    """How far a shuffle has got, in its folder of temporary files.

    Args:
        folder: the folder.
        identity: what must be the same when it is gone on with.
        plan: how it is done.
        size: bytes of the input.
        state: what was written down before, if it is gone on with.
    """

    def __init__(
        self,
        folder: Path,
        identity: dict[str, Any],
        plan: Plan,
        size: int,
        state: dict[str, Any] | None = None,
    ) -> None:
        self._folder, self._identity, self._plan = folder, identity, plan
        self._step = max(_LEAST_STEP, size // _STEPS)
        self._at = state["source"]["read"] if state else 0
        self.state = state

    def is_due(self, read: int) -> bool:
        """Whether it is time to write down how far the reading has got.

        Args:
            read: bytes that have been read.
        """
        return read >= self._at + self._step

    def save(self, state: dict[str, Any], carry: bytes, read: int) -> None:
        """Write down how far it has got.

        Args:
            state: as JSON has it.
            carry: bytes that were read and are in no bucket yet.
            read: bytes that have been read.
        """
        name = f"{_CARRY}-{read}"
        (self._folder / name).write_bytes(carry)
        saved = {"identity": self._identity, "plan": asdict(self._plan), "carry": name, **state}
        with atomic_write(self._folder / _STATE) as file:
            json.dump(saved, file)
        for path in self._folder.glob(f"{_CARRY}-*"):
            if path.name != name:
                path.unlink()
        self._at = read

    def carry(self) -> bytes:
        """The bytes that were in no bucket."""
        assert self.state is not None
        return (self._folder / self.state["carry"]).read_bytes()

    def end(self) -> None:
        """Know that it cannot be resumed from now on."""
        (self._folder / _STATE).unlink(missing_ok=True)


def is_kept(folder: Path) -> bool:
    """Whether a folder of temporary files can be resumed."""
    return (folder / _STATE).exists()


def identity_of(inputs: Inputs, target: Target, **settings: Any) -> dict[str, Any]:  # noqa: ANN401
    """What must be the same when a shuffle is resumed.

    Args:
        inputs: what is read.
        target: what is written.
        settings: all that the result depends on.
    """
    place = target.place.absolute() if isinstance(target.place, Path) else target.place
    pairs = zip(inputs.files, inputs.sizes, strict=True)
    return {
        "version": _VERSION,
        "output": str(place),
        "shards": list(target.shards),
        "inputs": [[str(path), size, _changed(path)] for path, size in pairs],
        **settings,
    }


def find_kept(
    folder: Path, name: str, identity: dict[str, Any]
) -> tuple[Path, dict[str, Any]] | None:
    """The folder of a shuffle for the same output that was stopped, and what it wrote down.

    Args:
        folder: where folders of temporary files are.
        name: of the output.
        identity: of the shuffle that is to go on.

    Raises:
        RunError: it had other inputs or settings.
    """
    for path, state in _kept(folder, name):
        if state["identity"]["output"] != identity["output"]:
            continue
        other = [key for key in identity if state["identity"].get(key) != identity[key]]
        if other:
            raise RunError(
                f"the shuffle into {identity['output']} that was stopped had other "
                f"{', '.join(other)}; give the same, or leave out --resume to begin anew"
            )
        return path, state
    return None


def clear_kept(folder: Path, name: str, output: str) -> None:
    """Remove what earlier shuffles left that were killed, or stopped on the way to this output.

    Args:
        folder: where folders of temporary files are.
        name: of the output.
        output: the whole of it.
    """
    others = {p for p, state in _kept(folder, name) if state["identity"]["output"] != output}
    for path in leftovers(folder, name):
        if path in others:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def tidy(folder: Path) -> None:
    """Remove what was begun after the reading: parts of buckets and of the output."""
    for path in folder.iterdir():
        if path.name in (_STATE, "long") or path.name.startswith((f"{_CARRY}-", "0-")):
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _kept(folder: Path, name: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in leftovers(folder, name):
        if not is_kept(path):
            continue
        try:
            state = json.loads((path / _STATE).read_text())
            if state["identity"]["version"] == _VERSION:
                yield path, state
        except (ValueError, KeyError, OSError):  # written by another version, or spoiled
            continue


def _changed(path: Place) -> int | None:
    return path.stat().st_mtime_ns if isinstance(path, Path) and path.is_file() else None
