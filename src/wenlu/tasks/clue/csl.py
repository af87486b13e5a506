"""CSL: are all these keywords those of the abstract, or are some made up?

The keywords, joined with "；", are the first text and the abstract the second, so that an abstract
that is too long loses its end and the keywords stay ("bert4keras in hand, baseline I have: CLUE
benchmark code").
"""

from types import MappingProxyType

from wenlu.corpus import Record
from wenlu.tasks.classification import Classification
from wenlu.tasks.task import Notes


def joined(record: Record, notes: Notes) -> tuple[str, str]:
    """The keywords of a row as one text, and its abstract."""
    keywords = record.get("keyword")
    if not isinstance(keywords, list) or not all(isinstance(word, str) for word in keywords):
        raise record.error('there must be a list of keywords: ["词汇学习", ...]', "keyword")
    if not keywords:
        notes["rows without keywords"] += 1
    return "；".join(keywords), record.text("abst")


CSL = Classification(
    name="csl",
    summary="CLUE: are all the keywords those of the abstract?",
    text_fields=("keyword", "abst"),
    compose=joined,
    labels=("0", "1"),
    names=MappingProxyType({"0": "有假", "1": "全真"}),
    submission_file="csl_predict.json",
)
