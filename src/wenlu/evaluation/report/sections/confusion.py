"""What is taken for what."""

from wenlu.evaluation.confusions import ConfusedPair
from wenlu.evaluation.report.facts import Facts
from wenlu.evaluation.report.markup import Html, empty
from wenlu.evaluation.report.matrix import matrix_and_pairs


def confusion(facts: Facts) -> Html:
    """The confusion matrix, or its most telling part, and the most frequent mistakes."""
    if facts.confusion is None:
        return empty("No dev predictions with gold labels yet.")
    examples: dict[tuple[str, str], str] = {}
    for each in facts.rated:
        examples.setdefault((str(each.gold), each.predicted), " ／ ".join(each.texts))

    def example(pair: ConfusedPair) -> str:
        return examples.get((facts.labels[pair.gold], facts.labels[pair.predicted]), "")

    return matrix_and_pairs(facts.confusion, [facts.name(label) for label in facts.labels], example)
