from collections import Counter
from hashlib import sha256
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from wenlu.corpus.shuffling.order import Order, permute

WORD = 2**64


def reference(seed: int, place: int) -> int:
    """The same with whole numbers that do not wrap around by themselves."""

    def mix(x: int) -> int:
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % WORD
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB % WORD
        return x ^ (x >> 31)

    digest = sha256(f"wenlu shuffle {seed}".encode()).digest()
    first, second, third = (int.from_bytes(digest[i : i + 8], "little") for i in (0, 8, 16))
    inner = mix((place * 0x9E3779B97F4A7C15 + first) % WORD)
    return (mix(inner ^ second) + third) % WORD


@given(st.integers(0, 2**200), st.integers(0, 2**62), st.integers(0, 40))
def test_what_is_published(seed: int, first: int, count: int) -> None:
    found = Order(seed).numbers(first, count).tolist()
    assert found == [reference(seed, place) for place in range(first, first + count)]


def test_many_at_once_are_the_same_as_one_by_one() -> None:
    order = Order(7)
    whole = order.numbers(0, 50_000)
    assert len(np.unique(whole)) == 50_000
    parts = [order.numbers(start, 12_500) for start in range(0, 50_000, 12_500)]
    assert (np.concatenate(parts) == whole).all()


def words(seeds: int) -> np.ndarray:
    digests = b"".join(sha256(b"wenlu shuffle %d" % seed).digest() for seed in range(seeds))
    return np.frombuffer(digests, "<u8").reshape(seeds, 1, 4).astype(np.uint64)


def orders(count: int, seeds: int) -> Counter[tuple[int, ...]]:
    numbers = permute(np.arange(count, dtype=np.uint64), words(seeds))
    found, times = np.unique(np.argsort(numbers, axis=1), axis=0, return_counts=True)
    return Counter(dict(zip(map(tuple, found.tolist()), times.tolist(), strict=True)))


@pytest.mark.parametrize("count", [3, 4, 5, 6])
def test_every_order_is_equally_likely(count: int) -> None:
    found = orders(count, 240_000)
    every = [found[order] for order in permutations(range(count))]
    assert stats.chisquare(every).pvalue > 0.001


def test_every_place_is_equally_likely_for_every_record() -> None:
    count, seeds = 40, 60_000
    numbers = permute(np.arange(count, dtype=np.uint64), words(seeds))
    places = np.argsort(np.argsort(numbers, axis=1), axis=1)
    table = np.array([np.bincount(places[:, record], minlength=count) for record in range(count)])
    statistic = ((table - seeds / count) ** 2 / (seeds / count)).sum()
    # Rows and columns have fixed sums, hence the factor (Diaconis, Group Representations, ch. 3).
    pvalue = stats.chi2.sf(statistic * (count - 1) / count, (count - 1) ** 2)
    assert pvalue > 0.001


@pytest.mark.parametrize("lag", [1, 2, 7, 64])
def test_neighbours_of_one_seed_are_independent(lag: int) -> None:
    found = Order(0).numbers(0, 400_000) >> np.uint64(60)
    pairs, _, _ = np.histogram2d(found[:-lag], found[lag:], 16)
    assert stats.chisquare(pairs.ravel()).pvalue > 1e-4


def test_seeds_are_no_windows_of_one_sequence() -> None:
    found = [np.diff(Order(seed).numbers(0, 100_000)) for seed in range(4)]
    assert len(np.unique(np.concatenate(found))) == 4 * 99_999
