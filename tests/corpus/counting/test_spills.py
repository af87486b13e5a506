from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wenlu.corpus.counting import spills
from wenlu.corpus.counting.spills import by_count, merge_runs, read_records, write_run

WORDS = st.text(st.sampled_from("ab文𠮷\uffff\x01"), min_size=1, max_size=3)
TABLES = st.lists(st.dictionaries(WORDS, st.integers(1, 5), max_size=12), max_size=7)
EACH = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(params=[2, 3, 1 << 16])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of so many bytes."""
    monkeypatch.setattr(spills, "_BLOCK", request.param)


def write(tables: list[dict[str, int]], folder: Path) -> list[Path]:
    for old in folder.iterdir():
        old.unlink()
    runs = [folder / f"counted-{number}" for number in range(len(tables))]
    for run, table in zip(runs, tables, strict=True):
        write_run(run, table)
    return runs


@pytest.mark.usefixtures("block")
@EACH
@given(tables=TABLES)
def test_runs_are_merged_two_at_a_time(tables: list[dict[str, int]], tmp_path: Path) -> None:
    total: Counter[str] = Counter()
    for table in tables:
        total.update(table)
    found = [
        item
        for words, counts in merge_runs(write(tables, tmp_path), memory=1)
        for item in zip(words, counts, strict=True)
    ]
    assert found == sorted(total.items())


@pytest.mark.usefixtures("block")
@EACH
@given(
    table=st.dictionaries(WORDS, st.integers(1, 4), max_size=40),
    memory=st.sampled_from([1, 600, 2000, 10**6]),
    top=st.none() | st.integers(1, 10),
)
def test_order_by_count(
    table: dict[str, int], memory: int, top: int | None, tmp_path: Path
) -> None:
    runs = write([table], tmp_path)
    groups = list(by_count(merge_runs(runs, 1), tmp_path, memory, top))
    found = [(word, count) for count, words in groups for word in words]
    assert found == sorted(table.items(), key=lambda item: (-item[1], item[0]))[:top]


def test_white_space_is_left_out(tmp_path: Path) -> None:
    write_run(tmp_path / "run", {"b": 1, "\n": 7, " ": 1, "\u3000": 2, "a": 2**40})
    assert list(read_records(tmp_path / "run")) == [(["a", "b"], [2**40, 1])]
