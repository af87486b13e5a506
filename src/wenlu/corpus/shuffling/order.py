"""The number that each record is sorted by.

Record i gets E(i), where E is a permutation of the 64-bit numbers that the seed picks, and the
output is the records sorted by that number. Were E drawn evenly from all permutations, the images
of 0, 1, ..., N-1 would be exchangeable, so each of the N! orders would have probability exactly
1/N!. As E is a permutation, no two records share a number: there are no ties to break.

E is two rounds of the finaliser of SplitMix64 ("Fast splittable pseudorandom number generators"),
each a permutation, between three secret words, as in the construction of Even and Mansour ("A
construction of a cipher from a single pseudorandom permutation"). One round over a counter is
SplitMix64 itself, which passes BigCrush, but there the seed only moves the counter, so that orders
of different seeds are windows of one sequence; the second round, and a word between the two, part
them. The words are SHA-256 of the seed, which may have any number of bits.
"""

from hashlib import sha256

import numpy as np

from wenlu.randomness import Keys, mix

_AT_ONCE = 1 << 14  # numbers that stay in the processor's cache
_STEP = np.uint64(0x9E3779B97F4A7C15)


class Order:
    """The order that a seed gives to records.

    Args:
        seed: a whole number, 0 or more.
    """

    def __init__(self, seed: int) -> None:
        digest = sha256(b"wenlu shuffle %d" % seed).digest()
        self._words = np.frombuffer(digest, "<u8").astype(np.uint64)

    def numbers(self, first: int, count: int) -> Keys:
        """What the records number `first`, `first` + 1, ... are sorted by."""
        found = np.empty(count, np.uint64)
        for start in range(0, count, _AT_ONCE):
            part = found[start : start + _AT_ONCE]
            places = np.arange(first + start, first + start + len(part), dtype=np.uint64)
            part[:] = permute(places, self._words)
        return found


def permute(places: Keys, words: Keys) -> Keys:
    """E under some words; the last axis of `words` holds them, the others broadcast."""
    first, second, third = words[..., 0], words[..., 1], words[..., 2]
    return mix(mix(places * _STEP + first) ^ second) + third
