"""How much of two texts is the same."""

from collections.abc import Iterable
from itertools import combinations, pairwise


def bigrams(text: str) -> frozenset[str]:
    """Pairs of neighbours, blanks aside; a text of one character is itself."""
    text = "".join(text.split())
    return frozenset(first + second for first, second in pairwise(text)) or frozenset([text])


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / len(first | second)


def nearly_equal(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of different texts that share half of their bigrams."""
    every = {text: bigrams(text) for text in texts}
    return [
        (first, second)
        for (first, ours), (second, theirs) in combinations(every.items(), 2)
        if jaccard(ours, theirs) >= 0.5
    ]
