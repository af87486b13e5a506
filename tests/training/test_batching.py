import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.training.batching import Rows, enough_epochs, in_length_order, plan_batches

many_lengths = st.lists(st.integers(1, 60), max_size=150).map(lambda x: np.array(x, np.int64))
budgets = st.integers(1, 120)
row_caps = st.integers(1, 12)
seeds = st.integers(0, 2**32)


def assert_fits(batches: list[Rows], lengths: Rows, tokens: int, rows: int) -> None:
    found = np.concatenate([*batches, np.empty(0, np.int64)])
    np.testing.assert_array_equal(np.sort(found), np.arange(len(lengths)))
    for batch in batches:
        assert 1 <= len(batch) <= rows
        assert len(batch) * lengths[batch].max() <= tokens or len(batch) == 1


@given(many_lengths, budgets, row_caps, seeds, st.integers(0, 9))
def test_every_row_once_within_the_budget(
    lengths: Rows, tokens: int, rows: int, seed: int, epoch: int
) -> None:
    def plan() -> list[Rows]:
        return plan_batches(lengths, tokens=tokens, rows=rows, seed=seed, epoch=epoch)

    batches = plan()
    assert_fits(batches, lengths, tokens, rows)
    for batch, again in zip(batches, plan(), strict=True):
        np.testing.assert_array_equal(batch, again)


@given(many_lengths, budgets, row_caps)
def test_in_length_order(lengths: Rows, tokens: int, rows: int) -> None:
    batches = in_length_order(lengths, tokens=tokens, rows=rows)
    assert_fits(batches, lengths, tokens, rows)
    ordered = lengths[np.concatenate([*batches, np.empty(0, np.int64)])]
    np.testing.assert_array_equal(ordered, np.sort(lengths))


@given(st.integers(1, 9_000), st.integers(1, 64))
def test_few_rows_are_gone_through_more_often(count: int, rows: int) -> None:
    lengths = np.full(count, 10)
    epochs = enough_epochs(lengths, tokens=10**6, rows=rows)
    updates = epochs * len(plan_batches(lengths, tokens=10**6, rows=rows, seed=1, epoch=0))
    assert 5 <= epochs <= 20
    assert epochs == 20 or updates >= 1_000
    assert epochs == 5 or updates - updates // epochs < 1_000


def test_a_longer_row_is_alone() -> None:
    lengths = np.array([5, 40, 5, 5])
    batches = plan_batches(lengths, tokens=20, rows=8, seed=1, epoch=0)
    assert [1] in [list(batch) for batch in batches]
    assert len(batches) == 2


@pytest.mark.parametrize("change", [{"seed": 2}, {"epoch": 1}])
def test_seeds_and_epochs_differ(change: dict[str, int]) -> None:
    lengths = np.arange(200) % 30 + 1

    def plan(**values: int) -> list[list[int]]:
        settings = {"tokens": 100, "rows": 8, "seed": 1, "epoch": 0} | values
        return [batch.tolist() for batch in plan_batches(lengths, **settings)]

    assert plan() == plan()
    assert plan() != plan(**change)
    assert {tuple(sorted(batch)) for batch in plan()} != {
        tuple(sorted(batch)) for batch in plan(**change)
    }


_PRINT = """
import numpy as np
from wenlu.training.batching import plan_batches
plan = plan_batches(np.arange(300) % 37 + 1, tokens=200, rows=9, seed=3, epoch=2)
print(np.concatenate(plan).tolist(), [len(batch) for batch in plan])
"""


def test_another_process_has_the_same_plan() -> None:
    printed = [
        subprocess.run(
            [sys.executable, "-c", _PRINT],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    plan = plan_batches(np.arange(300) % 37 + 1, tokens=200, rows=9, seed=3, epoch=2)
    mine = f"{np.concatenate(plan).tolist()} {[len(batch) for batch in plan]}\n"
    assert printed == [mine, mine]


def padding_share(batches: list[Rows], lengths: Rows) -> float:
    padded = sum(len(batch) * int(lengths[batch].max()) for batch in batches)
    return 1 - int(lengths.sum()) / padded


@pytest.mark.parametrize("rows", [32, 256])
def test_next_to_no_padding_on_news_titles(rows: int) -> None:
    random = np.random.default_rng(0)
    lengths = random.normal(24, 6, 20_000).round().clip(6, 60).astype(np.int64)
    plan = plan_batches(lengths, tokens=4096, rows=rows, seed=1, epoch=0)
    assert padding_share(plan, lengths) < 0.05
    # Batches stay a mix: no batch of one epoch comes again in the next.
    later = plan_batches(lengths, tokens=4096, rows=rows, seed=1, epoch=1)
    assert not {tuple(sorted(b)) for b in plan} & {tuple(sorted(b)) for b in later}


def test_no_rows() -> None:
    assert plan_batches(np.empty(0, np.int64), tokens=9, rows=9, seed=1, epoch=0) == []
