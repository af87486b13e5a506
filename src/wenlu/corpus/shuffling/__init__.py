"""Records of files of any size in a random order, every order equally likely, in bounded memory."""

from wenlu.corpus.shuffling.plan import Plan
from wenlu.corpus.shuffling.shuffle import Shuffled, shuffle

__all__ = ["Plan", "Shuffled", "shuffle"]
