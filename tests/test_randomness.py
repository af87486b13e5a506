import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from wenlu.randomness import key, mix, subkeys, uniform

COUNT = 200_000
big = st.integers(0, 2**63 - 1)


def numbers(*path: int, count: int = COUNT) -> NDArray[np.float64]:
    """What the places 0, 1, 2, ... of a row draw."""
    return uniform(subkeys(key(*path), np.arange(count)))


def assert_uniform(found: NDArray[np.float64], bins: int = 100) -> None:
    counts, _ = np.histogram(found, bins, range=(0.0, 1.0))
    assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize("path", [(), (0,), (1,), (1, 0), (2**64 - 1,), (7, 2**40, 3)])
def test_neighbouring_places_draw_uniform_numbers(path: tuple[int, ...]) -> None:
    found = numbers(*path)
    assert 0.0 <= found.min() < found.max() < 1.0
    assert_uniform(found)
    assert_uniform(found * 2**20 % 1.0)  # and so are the lower bits


@pytest.mark.parametrize("what", ["seed", "block", "row", "stream"])
def test_neighbours_of_every_kind_draw_uniform_numbers(what: str) -> None:
    count = 1_500
    if what == "stream":
        keys = subkeys(subkeys(key(1, 2), np.array([3])), np.arange(count))
    else:
        place = ["seed", "block", "row"].index(what)
        paths = [[1, 2, 3] for _ in range(count)]
        for number, path in enumerate(paths):
            path[place] = number
        keys = np.concatenate([key(*path) for path in paths])
    assert_uniform(uniform(keys), bins=20)


@pytest.mark.parametrize("lag", [1, 2, 16, 128])
def test_neighbours_are_independent(lag: int) -> None:
    found = numbers(3, 1)
    pairs, _, _ = np.histogram2d(found[:-lag], found[lag:], 10, range=[(0, 1), (0, 1)])
    assert stats.chisquare(pairs.ravel()).pvalue > 1e-4
    below = found < 0.15  # as a mask is drawn
    both = int((below[:-lag] & below[lag:]).sum())
    assert stats.binomtest(both, len(found) - lag, 0.15**2).pvalue > 1e-4


@pytest.mark.parametrize(
    ("one", "other"), [((1, 0), (1, 1)), ((1, 0), (2, 0)), ((1, 2), (2, 1)), ((0,), (0, 0))]
)
def test_rows_blocks_and_seeds_are_independent(
    one: tuple[int, ...], other: tuple[int, ...]
) -> None:
    first, second = numbers(*one), numbers(*other)
    pairs, _, _ = np.histogram2d(first, second, 10, range=[(0, 1), (0, 1)])
    assert stats.chisquare(pairs.ravel()).pvalue > 1e-4
    assert not np.intersect1d(first, second).size


def test_different_keys_stay_different() -> None:
    """The scrambling is a bijection, so two places never share their numbers."""
    found = mix(np.arange(COUNT, dtype=np.uint64))
    assert len(np.unique(found)) == COUNT


@given(big, big, st.lists(big, min_size=1, max_size=5))
def test_a_pure_function(seed: int, block: int, places: list[int]) -> None:
    together = subkeys(key(seed, block), np.array(places))
    for place, found in zip(places, together, strict=True):
        [alone] = subkeys(key(seed, block), np.array([place]))
        assert alone == found
    assert key(seed, block) == subkeys(key(seed), np.array([block]))


def test_keys_and_numbers_broadcast() -> None:
    keys, places = subkeys(key(5), np.arange(3)), np.arange(4)
    table = subkeys(keys[:, None], places[None])
    assert table.shape == (3, 4)
    for row, place in np.ndindex(3, 4):
        assert table[row, place] == subkeys(keys[row : row + 1], places[place : place + 1])
    assert len(np.unique(table)) == 12


def test_the_published_function() -> None:
    """SplitMix64 from the seed 1234567, as its authors' program prints it."""
    expected = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    found = subkeys(np.array([1234567], np.uint64), np.arange(5))
    assert found.tolist() == expected


@pytest.mark.parametrize(
    ("word", "number"), [(0, 0.0), (2**64 - 1, 1 - 2**-53), (2**63, 0.5), (2**11, 2**-53)]
)
def test_the_ends_of_the_unit_interval(word: int, number: float) -> None:
    assert uniform(np.array([word], np.uint64)).tolist() == [number]
