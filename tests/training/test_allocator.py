"""Each choice is for a whole process, so each is tried in one of its own."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Attempt = Callable[..., list[int]]

PROGRAM = """
import json, resource, torch
from wenlu.training import allocator

def resident():
    pages = int(open("/proc/self/statm").read().split()[1])
    return pages * resource.getpagesize() / 1e6

first = getattr(allocator, "{name}")()
again = allocator.keep_freed_memory()
before = resident()
blocks = [torch.ones(2_000_000) for _ in range(20)]  # 8 MB each
held = resident() - before
del blocks
print(json.dumps([first, again, held, resident() - before]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
@pytest.mark.parametrize("name", ["keep_freed_memory", "return_freed_memory"])
def test_freed_memory(name: str, attempt: Attempt, tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert attempt([], log, program=PROGRAM.format(name=name)) == [0], log.read_text()
    first, again, held, left = json.loads(log.read_text())
    if not first:
        pytest.skip("another C library")
    assert not again  # the first choice holds
    assert held > 150
    if name == "keep_freed_memory":
        assert left > 100
    else:
        assert left < 30
