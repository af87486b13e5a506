from pathlib import Path

import pytest

from wenlu.corpus.shuffling.inputs import find_inputs
from wenlu.corpus.shuffling.plan import Plan, make_plan

MIB = 1 << 20


@pytest.fixture(autouse=True)
def _small_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process may have grown large with other tests."""
    monkeypatch.setattr("wenlu.corpus.shuffling.plan.resident", lambda: 100 * MIB)


def plan_for(folder: Path, size: int, memory: int, room: int) -> Plan:
    text = folder / "text"
    with text.open("wb") as file:
        file.write(b"line\n")
        file.truncate(size)  # no disk is taken
    return make_plan(
        find_inputs([text]),
        memory=memory,
        threads=2,
        to_file=True,
        same_disk=True,
        room=room,
        separator=1,
    )


@pytest.mark.parametrize(
    ("size", "memory", "room", "passes"),
    [
        (10 * MIB, 1_000 * MIB, 10**12, 1),
        (10 * MIB, 1_000 * MIB, 0, 1),
        (2_000 * MIB, 1_000 * MIB, 10**12, 2),
        (2_000 * MIB, 40_000 * MIB, 10**12, 2),  # what is faster
        (2_000 * MIB, 40_000 * MIB, 1_000 * MIB, 1),  # no disk for two passes
    ],
)
def test_passes(tmp_path: Path, size: int, memory: int, room: int, passes: int) -> None:
    plan = plan_for(tmp_path, size, memory, room)
    assert plan.passes == passes
    assert (plan.whole > size) == (passes == 1)
    assert plan.disk is not None
    assert plan.disk == size if passes == 1 else plan.disk > size


@pytest.mark.parametrize(("room", "whole"), [(10**12, 256 * MIB), (300 * MIB, 1_000 * MIB)])
def test_what_is_of_unknown_size_stays_in_memory_where_the_disk_is_smaller(
    room: int, whole: int
) -> None:
    plan = make_plan(
        find_inputs(["-"]),
        memory=4_000 * MIB,
        threads=2,
        to_file=False,
        same_disk=False,
        room=room,
        separator=1,
    )
    assert plan.bytes is None
    assert plan.whole >= whole
    assert (plan.whole > 256 * MIB) == (room < 10**12)


def test_what_is_kept_in_memory_fits_into_it(tmp_path: Path) -> None:
    plan = plan_for(tmp_path, 200 * MIB, 3_000 * MIB, 10**12)
    assert 200 * MIB < plan.whole < plan.free
