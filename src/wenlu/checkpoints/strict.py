"""Every tensor accounted for: what is missing, surplus or misshapen is named, never skipped."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from torch import Tensor

from wenlu.checkpoints.entry import Entry
from wenlu.checkpoints.names import Names
from wenlu.checkpoints.parameters import Shape
from wenlu.errors import CheckpointError, closest

SHOWN = 10
"""Names that a message lists before it only counts."""


def take(
    stored: Mapping[str, Tensor],
    names: Names,
    shapes: Mapping[str, Shape],
    *,
    source: Path,
    advice: str = "",
) -> tuple[dict[str, Tensor], frozenset[str]]:
    """Our tensors, and which heads there are, from stored tensors that fit exactly.

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
        spare = surplus or sorted(stored)
        lines = [_missing(entry, shapes, spare) for entry in missing]
        problems.append(_listed("missing", lines, _half(present, missing)))
    if surplus:
        unmet = [entry.stored for entry in missing] or [entry.stored for entry in expected]
        lines = [
            f"{name} {tuple(stored[name].shape)}, closest to {closest(name, unmet, 1)}"
            for name in surplus
        ]
        problems.append(_listed("not expected", lines, advice))
    if misshapen:
        problems.append(_listed("of another shape than the configuration says", misshapen))
    if integers:
        problems.append(
            _listed("not floating-point numbers (quantised models cannot be read)", integers)
        )
    if problems:
        raise CheckpointError(f"{source}: the weights do not fit.\n" + "\n".join(problems))
    tensors: dict[str, Tensor] = {}
    for entry in expected:
        tensors |= entry.unpack(stored[entry.stored], shapes)
    return tensors, frozenset(present) - {"encoder"}


def _missing(entry: Entry, shapes: Mapping[str, Shape], spare: Iterable[str]) -> str:
    near = closest(entry.stored, spare, 1)
    return f"{entry.stored} {entry.shape(shapes)}" + (f"; the closest is {near}" if near else "")


def _half(present: Names, missing: list[Entry]) -> str:
    """A sentence on heads of which only a part is there."""
    half = [
        part
        for part, entries in present.items()
        if part != "encoder" and any(entry in missing for entry in entries)
    ]
    if not half:
        return ""
    return f"Only a part of {' and '.join(half)} is there; a head must be whole or absent."


def _listed(what: str, lines: list[str], remark: str = "") -> str:
    shown = [f"  {line}" for line in lines[:SHOWN]]
    if len(lines) > SHOWN:
        shown.append(f"  ... and {len(lines) - SHOWN} more")
    if remark:
        shown.append(f"  {remark}")
    tensors = "1 tensor" if len(lines) == 1 else f"{len(lines)} tensors"
    return "\n".join([f"{tensors} {what}:", *shown])
