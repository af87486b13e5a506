"""In which arithmetic to run, where, and how to say so."""

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch

Precision = Literal["float32", "bfloat16"]


def best_device() -> torch.device:
    """The accelerator if there is one, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")


def resolve_precision(wanted: str, device: torch.device) -> Precision:
    """What "auto" means on this device: bfloat16 where there are matrix units for it.

    It is decided by what the hardware says it has and not by timing, so that a run that is
    resumed on the same machine decides the same.
    """
    if wanted != "auto":
        return "bfloat16" if wanted == "bfloat16" else "float32"
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if device.type == "cpu":
        has = torch.cpu.get_capabilities()
        return "bfloat16" if has.get("amx_bf16") or has.get("avx512_bf16") else "float32"
    return "float32"


def arithmetic(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Run matrix products in that precision within the `with` block."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)
