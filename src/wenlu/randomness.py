"""Random numbers that are a pure function of where they are used.

Whether a word is masked depends on (seed, epoch, row, place of the word) and on nothing else: not
on the batch that the row came in, nor on the process that worked it off, nor on what was drawn
before; and where a shuffled record goes depends on (seed, number of the record). The
function is the finaliser of SplitMix64 ("Fast splittable pseudorandom number generators"), applied
to a counter.
"""

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]

_STEP = np.uint64(0x9E3779B97F4A7C15)


def mix(keys: Keys) -> Keys:
    """Scramble the bits: neighbouring keys give unrelated numbers; different ones, different."""
    x = keys ^ (keys >> np.uint64(30))
    x = x * np.uint64(0xBF58476D1CE4E5B9)
    x = x ^ (x >> np.uint64(27))
    x = x * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def subkeys(keys: Keys, numbers: NDArray[np.int64] | Keys) -> Keys:
    """A key for each (key, number); the two broadcast."""
    with np.errstate(over="ignore"):  # wraps around, as it is meant to
        return mix(keys + (numbers.astype(np.uint64) + np.uint64(1)) * _STEP)


def key(*numbers: int) -> Keys:
    """One key, shape (1,), for some whole numbers that are not negative."""
    found = np.zeros(1, np.uint64)
    for number in numbers:
        found = subkeys(found, np.asarray([number], np.uint64))
    return found


def uniform(keys: Keys) -> NDArray[np.float64]:
    """A number in [0, 1) for each key."""
    return (keys >> np.uint64(11)).astype(np.float64) * 2.0**-53
