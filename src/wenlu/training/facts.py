"""What is worth knowing of the machine and the versions that a run was made with."""

import platform
import resource
import sys
from typing import Any

import numpy as np
import torch
from torch import nn

from wenlu.training.precision import Precision
from wenlu.training.processes import Processes
from wenlu.version import __version__


def run_facts(module: nn.Module, processes: Processes, precision: Precision) -> dict[str, Any]:
    """Size, device, peak memory, versions."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "parameters": sum(p.numel() for p in module.parameters()),
        "device": processes.device.type,
        "processes": processes.count,
        "threads": torch.get_num_threads(),
        "precision": precision,
        "peak_memory_mb": round(peak / (2**20 if sys.platform == "darwin" else 2**10)),
        "versions": {
            "wenlu": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }
