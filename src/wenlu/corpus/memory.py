"""How much memory work may take, and among how many processes that is shared."""

import re
from typing import NamedTuple

from wenlu.corpus.parallel import cores
from wenlu.errors import ConfigError

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)


class Shares(NamedTuple):
    """What is settled before the work begins."""

    processes: int
    """How many work on text; 1 stands for this one."""

    memory: int
    """Bytes for all of them together, and for the one that started them."""

    each: int
    """Bytes of it for what a process finds; the rest is what it takes when it has just started."""


def parse_memory(text: str) -> int:
    """A number of bytes from what people write, such as 512MB, 2GB or 1.5GiB."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise ConfigError(f"{text!r} is no amount of memory; write one like 512MB or 2GB")
    number, unit, binary = found.groups()
    amount = float(number) * _UNITS[unit.lower()]
    if binary:
        amount *= {"k": 1.024, "m": 1.024**2, "g": 1.024**3, "t": 1.024**4}.get(unit.lower(), 1)
    return int(amount)


def share_memory(memory: int | None, workers: int | None, start: int, least: int) -> Shares:
    """How many processes there is memory for.

    Args:
        memory: bytes for everything; None is a quarter of a gigabyte a process.
        workers: how many processes may work; None is one a core, and fewer if memory is scarce.
        start: bytes that a process takes when it has just started.
        least: bytes that each must have beside that.

    Raises:
        ConfigError: it is too little.
    """
    if workers is not None and workers < 1:
        raise ConfigError(f"workers is {workers}; it must be 1 or more, or None for all cores")
    wanted = workers or cores()
    if memory is None:
        memory = 250_000_000 * (wanted + 1)
    for processes in (wanted,) if workers else range(wanted, 0, -1):
        all_processes = processes + (processes > 1)
        each = memory // all_processes - start
        if each >= least:
            return Shares(processes, memory, each)
    need = -(-all_processes * (start + least) // 10**6)
    raise ConfigError(
        f"{memory / 10**6:,.0f} MB of memory is too little for {all_processes} processes: give at "
        f"least {need} MB" + (", or fewer workers" if processes > 1 else "")
    )
