"""Sentence-order prediction: which of the two texts came first?

Paper: "ALBERT". Class 0 is "in order" and class 1 "swapped".
"""

from wenlu.training.pretraining.objectives.nsp import NextSentence


class SentenceOrder(NextSentence):
    """As next-sentence prediction, on pairs of which half are swapped."""

    def __init__(self) -> None:
        super().__init__(name="sop", layout="swap")
