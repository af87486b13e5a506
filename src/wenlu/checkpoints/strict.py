"""Every tensor accounted for: what is missing, surplus or misshapen is named, never skipped."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from torch import Tensor

from wenlu.checkpoints.entry import Entry
from wenlu.checkpoints.names import Names
from wenlu.checkpoints.skeleton import Shape
from wenlu.errors import CheckpointError, closest

SHOWN = 10
"""Names that a message lists before it only counts."""

_COMPARED = 100
"""Names that a name is compared with, to find the closest. Each comparison takes its time."""


def take(
    stored: Mapping[str, Tensor],
    names: Names,
    shapes: Mapping[str, Shape],
    *,
    source: Path,
    advice: str = "",
) -> dict[str, Tensor]:
    """Our tensors, from stored tensors that fit exactly.

    Args:
        stored: what the file holds, less what is known not to be a weight.
        names: the entries of each part; the encoder must be there, a head wholly or not at all.
        shapes: the shape of each of ours.
        source: where `stored` comes from, for messages.
        advice: a sentence to add where tensors are surplus.

    Raises:
        CheckpointError: something is missing, surplus, misshapen or no floating-point tensor.
    """
    present = {
        part: entries
        for part, entries in names.items()
        if part == "encoder" or any(entry.stored in stored for entry in entries)
    }
    expected = [entry for entries in present.values() for entry in entries]
    missing = [entry for entry in expected if entry.stored not in stored]
    surplus = sorted(stored.keys() - {entry.stored for entry in expected})
    misshapen = [
        f"{entry.stored} is {tuple(stored[entry.stored].shape)}, expected {entry.shape(shapes)}"
        for entry in expected
        if entry.stored in stored and tuple(stored[entry.stored].shape) != entry.shape(shapes)
    ]
    integers = [
        f"{entry.stored} is {str(stored[entry.stored].dtype).removeprefix('torch.')}"
        for entry in expected
        if entry.stored in stored and not stored[entry.stored].is_floating_point()
    ]
    problems = []
    if missing:
        spare = (surplus or sorted(stored))[:_COMPARED]
        lines = [_missing(entry, shapes, spare) for entry in missing[:SHOWN]]
        problems.append(_listed("missing", lines, len(missing), _half(present, stored)))
    if surplus:
        unmet = [entry.stored for entry in (missing or expected)[:_COMPARED]]
        lines = [
            f"{name} {tuple(stored[name].shape)}, closest to {closest(name[:200], unmet, 1)}"
            for name in surplus[:SHOWN]
        ]
        problems.append(_listed("not expected", lines, len(surplus), advice))
    if misshapen:
        what = "of another shape than the configuration says"
        problems.append(_listed(what, misshapen, len(misshapen)))
    if integers:
        what = "not floating-point numbers (quantised models cannot be read)"
        problems.append(_listed(what, integers, len(integers)))
    if problems:
        raise CheckpointError(f"{source}: the weights do not fit.\n" + "\n".join(problems))
    tensors: dict[str, Tensor] = {}
    for entry in expected:
        tensors |= entry.unpack(stored[entry.stored], shapes)
    return tensors


def check_finite(tensors: Mapping[str, Tensor], source: Path) -> None:
    """Refuse weights that are not numbers: whatever is computed with them is not one either."""
    bad = [name for name, tensor in tensors.items() if not _finite(tensor)]
    if bad:
        raise CheckpointError(
            f"{source}: {', '.join(bad[:SHOWN])}{' and more' * (len(bad) > SHOWN)} "
            f"{'hold' if len(bad) > 1 else 'holds'} NaN or infinite values; the training that "
            "wrote this diverged. Use an earlier checkpoint, or train again with a smaller "
            "learning rate."
        )


def _finite(tensor: Tensor) -> bool:
    """One fast pass: a sum of squares is finite only if all numbers are."""
    if not tensor.is_floating_point():
        return True
    flat = tensor.reshape(-1).numpy()
    return bool(np.isfinite(np.vdot(flat, flat)) or np.isfinite(flat).all())


def _missing(entry: Entry, shapes: Mapping[str, Shape], spare: Iterable[str]) -> str:
    near = closest(entry.stored, spare, 1)
    return f"{entry.stored} {entry.shape(shapes)}" + (f"; the closest is {near}" if near else "")


def _half(present: Names, stored: Mapping[str, Tensor]) -> str:
    """A sentence on heads of which only a part is there."""
    half = [
        part
        for part, entries in present.items()
        if part != "encoder" and not all(entry.stored in stored for entry in entries)
    ]
    if not half:
        return ""
    return f"Only a part of {' and '.join(half)} is there; a head must be whole or absent."


def _listed(what: str, lines: list[str], count: int, remark: str = "") -> str:
    shown = [f"  {line[:300]}" for line in lines[:SHOWN]]
    if count > SHOWN:
        shown.append(f"  ... and {count - SHOWN} more")
    if remark:
        shown.append(f"  {remark}")
    tensors = "1 tensor" if count == 1 else f"{count} tensors"
    return "\n".join([f"{tensors} {what}:", *shown])
