"""Runs the tests as on another processor.

`WENLU_TESTS_BFLOAT16=no make test` is a run on a processor without bfloat16 matrix units, `=yes` on
one that has them; without the variable the processor is as it is. "auto" precision depends on it.
"""

import os

VARIABLE = "WENLU_TESTS_BFLOAT16"


def pretend_bfloat16_units() -> None:
    """Let PyTorch say of the processor what the variable says."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    if wanted not in ("no", "yes"):
        raise ValueError(f"{VARIABLE} is yes or no; got {wanted!r}")
    import torch

    told = {**torch.cpu.get_capabilities(), **dict.fromkeys(_UNITS, wanted == "yes")}
    torch.cpu.get_capabilities = lambda: dict(told)


_UNITS = ("avx512_bf16", "amx_bf16")
