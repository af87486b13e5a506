"""Settings for all tests, and whole command lines in processes that can be killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from .processor import pretend_bfloat16_units

# Tensors in tests are tiny: a second thread costs more than it brings, in subprocesses too.
os.environ["OMP_NUM_THREADS"] = "1"

pretend_bfloat16_units()

# How long an example takes says something of the machine, and nothing of what is tested.
settings.register_profile("wenlu", deadline=None)
settings.load_profile("wenlu")

Attempt = Callable[..., list[int]]


@pytest.fixture(scope="session")
def attempt() -> Iterator[Attempt]:
    """Runs a command line to its end, or as far as it gets; see attempts.py."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("attempts.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # PyTorch's own warnings, as of a slow connection, are no part of what is tested.
        env={**os.environ, "GLOO_SOCKET_IFNAME": "lo", "TORCH_CPP_LOG_LEVEL": "ERROR"},
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None

        def run(tokens: Sequence[str], log: Path, **request: Any) -> list[int]:  # noqa: ANN401
            line = json.dumps({"tokens": list(tokens), "log": str(log), **request})
            print(line, file=program.stdin, flush=True)
            return json.loads(program.stdout.readline())

        yield run
        program.stdin.close()


# Where the tests are a job in the background, Ctrl-C is ignored, and by all programs that they
# start; some of these are to be interrupted.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Names of tests are the same in all processes, or pytest-xdist cannot hand them out."""
    for item in items:
        if " at 0x" in item.nodeid:
            raise pytest.UsageError(f"{item.nodeid} has an address in its name; give it `ids`")
