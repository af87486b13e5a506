"""wenlu doctor: what this machine has, what is missing, and what to do about it."""

import importlib.metadata
import platform
import shutil
from pathlib import Path

from rich.table import Table

from wenlu.cli.output import people, print_json, say
from wenlu.version import __version__

_BASE = ("torch", "numpy", "scipy", "safetensors", "tokenizers", "rjieba", "cyclopts")
_EXTRAS = {
    "corpus": ("zstandard", "reading .zst files"),
    "tf": ("tensorflow-checkpoint-reader", "reading Google TensorFlow checkpoints"),
}


def doctor(*, json: bool = False) -> None:
    """Say what this machine has, what is missing, and what to do about it.

    Parameters
    ----------
    json
        Print one JSON document and nothing else.
    """
    import torch

    from wenlu.training.precision import best_device, resolve_precision

    device = best_device()
    facts = {
        "wenlu": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else device.type,
        "precision": resolve_precision("auto", device),
        "free_disk_gb": round(shutil.disk_usage(Path.cwd()).free / 2**30, 1),
        "packages": {name: _version(name) for name in _BASE},
        "extras": {extra: _version(package) for extra, (package, _) in _EXTRAS.items()},
    }
    if json:
        print_json(facts)
        return
    table = Table(show_header=False)
    for name in ("wenlu", "python", "system", "device", "threads", "precision", "free_disk_gb"):
        table.add_row(name.replace("_", " "), str(facts[name]))
    for name in _BASE:
        table.add_row(name, _version(name) or "missing: pip install wenlu again")
    for extra, (package, purpose) in _EXTRAS.items():
        missing = f"not installed; for {purpose}: pip install 'wenlu[{extra}]'"
        table.add_row(f"[dim]extra[/dim] {extra}", _version(package) or missing.replace("[", r"\["))
    people.print(table)
    if facts["precision"] == "float32":
        say("This device has no bfloat16 matrix units, so training runs in float32.")


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
