"""wenlu doctor: what this machine has, whether wenlu works on it, and what to do if not."""

import importlib
import importlib.metadata
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from wenlu.cli.flags import Switch
from wenlu.cli.output import people, print_json, say
from wenlu.errors import RunError
from wenlu.version import __version__

_BASE = (
    "torch",
    "numpy",
    "scipy",
    "safetensors",
    "tokenizers",
    "rjieba",
    "cyclopts",
    "rich",
    "jaxtyping",
)
_EXTRAS = {
    "corpus": ("zstandard", "reading .zst files"),
    "s3": ("s3fs", "raw text on s3://"),
    "ray": ("ray", "shuffling on a cluster"),
    "tf": ("tensorflow-checkpoint-reader", "reading Google TensorFlow checkpoints"),
}
_LITTLE_DISK = 2.0
"""GB below which a run may not fit."""

_TEXT = "文炉：今天上海天气不错，wenlu 1.0"


def doctor(*, json: Switch = False) -> None:
    """Say what this machine has and whether wenlu works on it; exit code 1 if something is broken.

    Parameters
    ----------
    json
        Print one JSON document and nothing else.
    """
    checks = [_check(name, act) for name, act in _CHECKS.items()]
    broken = [check["name"] for check in checks if not check["ok"]]
    machine = _machine() if checks[0]["ok"] else {}
    extras = {extra: _version(package) for extra, (package, _) in _EXTRAS.items()}
    if json:
        facts = {"wenlu": __version__, **_system(), **machine}
        packages = {name: _version(name) for name in _BASE}
        print_json({**facts, "packages": packages, "extras": extras, "checks": checks})
    else:
        _show({"wenlu": __version__, **_system(), **machine}, extras, checks)
    if broken:
        raise RunError(f"broken: {', '.join(broken)}")


def _show(
    facts: dict[str, Any], extras: dict[str, str | None], checks: list[dict[str, Any]]
) -> None:
    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), Text(str(value)))
    for extra, (package, purpose) in _EXTRAS.items():
        missing = f"not installed; for {purpose}: pip install 'wenlu[{extra}]'"
        version = extras[extra]
        table.add_row(Text(f"[{extra}]"), Text(f"{package} {version}" if version else missing))
    table.add_section()
    for check in checks:
        mark = Text("ok", "green") if check["ok"] else Text("FAIL", "bold red")
        table.add_row(mark, Text(f"{check['name']}: {check['detail']}"))
    people.print(table)
    for line in _advice(facts):
        say(line)


def _check(name: str, act: Callable[[], str]) -> dict[str, Any]:
    try:
        return {"name": name, "ok": True, "detail": act()}
    except Exception as error:  # whatever is wrong with an installation is what is asked for
        return {"name": name, "ok": False, "detail": f"{type(error).__name__}: {error}"}


def _packages() -> str:
    missing = [name for name in _BASE if _version(name) is None]
    if missing:
        raise RunError(f"{', '.join(missing)} not installed; run: pip install wenlu")
    for name in _BASE:
        importlib.import_module(name)
    return ", ".join(f"{name} {_version(name)}" for name in _BASE)


def _assets() -> str:
    from wenlu.assets import asset
    from wenlu.tasks.registry import TASKS

    counts = []
    for sample in ("intents", "pairs"):
        rows = TASKS[sample].read(asset("samples", sample, "train.json"))
        counts.append(f"{sample} ({len(rows):,} training examples)")
    return f"sample sets {' and '.join(counts)}"


def _tokenizer() -> str:
    from wenlu.models import load

    tokenizer = load("scratch-2x128").tokenizer
    encoding = tokenizer.encode(_TEXT)
    if "".join(_TEXT[start:end] for start, end in encoding.offsets or ()) != _TEXT.replace(" ", ""):
        raise RunError(f"the offsets of {_TEXT!r} do not lead back to it")
    return f"{len(encoding.ids)} tokens of {len(tokenizer):,}, offsets exact"


def _model() -> str:
    import torch

    from wenlu.models import Classifier, load, load_classifier, save
    from wenlu.models.classifier import TextBatch
    from wenlu.training.precision import arithmetic, best_device, resolve_precision

    device = best_device()
    precision = resolve_precision("auto", device)
    model, tokenizer = load("scratch-2x128")
    classifier = Classifier(model, 3).eval()
    joined = tokenizer.join(tokenizer.encode(_TEXT).ids, None, 64)
    batch = TextBatch(torch.tensor([joined.ids]), None, None)
    with torch.inference_mode(), tempfile.TemporaryDirectory() as folder:
        before = classifier(batch).logits
        save(Path(folder) / "model", classifier, tokenizer, extra={"task": "classify"})
        after = load_classifier(Path(folder) / "model").classifier(batch).logits
        there = TextBatch(batch.ids.to(device), None, None)
        with arithmetic(precision, device):
            fast = classifier.to(device)(there).logits.float().cpu()
    if not torch.equal(before, after):
        raise RunError("a model that was saved and loaded gives other outputs")
    if not torch.allclose(before, fast, atol=0.1):
        raise RunError(f"outputs on {device.type} in {precision} are far from those in float32")
    return f"forward on {device.type} in {precision}, saved, loaded, the same again"


def _folder() -> str:
    with tempfile.TemporaryFile(dir=Path.cwd()):
        return f"{Path.cwd()} can be written to"


_CHECKS: dict[str, Callable[[], str]] = {
    "packages": _packages,
    "bundled files": _assets,
    "tokenizer": _tokenizer,
    "model": _model,
    "this folder": _folder,
}


def _system() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "free_disk_gb": round(shutil.disk_usage(Path.cwd()).free / 2**30, 1),
    }


def _machine() -> dict[str, Any]:
    import torch

    from wenlu.training.precision import best_device, resolve_precision

    device = best_device()
    return {
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if device.type == "cuda" else device.type,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "precision": resolve_precision("auto", device),
    }


def _advice(facts: dict[str, Any]) -> Iterator[str]:
    if facts.get("precision") == "float32":
        yield "This device has no bfloat16 matrix units, so training runs in float32."
    if facts.get("device") == "cpu" and shutil.which("nvidia-smi"):
        yield f"There seems to be a GPU, but this torch ({facts['torch']}) cannot use it."
    if facts.get("threads", 1) < (facts.get("cores") or 1) // 2:
        yield "Few of the cores are used; OMP_NUM_THREADS sets how many."
    if facts["free_disk_gb"] < _LITTLE_DISK:
        yield f"Only {facts['free_disk_gb']} GB of disk are free; a run may not fit."


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
