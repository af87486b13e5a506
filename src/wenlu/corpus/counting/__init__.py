"""Counting words, characters, n-grams and tokens in text of any size."""

from wenlu.corpus.counting.count import CountPlan, CountSummary, count
from wenlu.corpus.counting.units import NGrams, SingleCharacters, Tokens, Unit, Words

__all__ = [
    "CountPlan",
    "CountSummary",
    "NGrams",
    "SingleCharacters",
    "Tokens",
    "Unit",
    "Words",
    "count",
]
