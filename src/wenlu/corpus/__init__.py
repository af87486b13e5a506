"""Raw text and labelled rows of any size, each with its file and line; token corpora."""

from typing import TYPE_CHECKING

from wenlu.corpus.compressed import open_bytes
from wenlu.corpus.records import Record, read_document, read_records, write_jsonl
from wenlu.lazy import exports

if TYPE_CHECKING:
    from wenlu.corpus.counting import (
        CountPlan,
        CountSummary,
        NGrams,
        SingleCharacters,
        Tokens,
        Words,
        count,
    )
    from wenlu.corpus.documents import Document, read_documents
    from wenlu.corpus.groups import read_groups
    from wenlu.corpus.sentences import split_sentences
    from wenlu.corpus.shuffling import Shuffled, shuffle
    from wenlu.corpus.statistics import CorpusStats, stats
    from wenlu.corpus.token_corpus import TokenCorpus, TokenStatistics, vocabulary_fingerprint
    from wenlu.corpus.tokens import write_tokens
    from wenlu.corpus.vocabulary import Vocabulary, build_vocabulary

__getattr__, __dir__ = exports(
    __name__,
    {
        "CorpusStats": "wenlu.corpus.statistics",
        "CountPlan": "wenlu.corpus.counting",
        "CountSummary": "wenlu.corpus.counting",
        "Document": "wenlu.corpus.documents",
        "NGrams": "wenlu.corpus.counting",
        "SingleCharacters": "wenlu.corpus.counting",
        "Shuffled": "wenlu.corpus.shuffling",
        "TokenCorpus": "wenlu.corpus.token_corpus",
        "TokenStatistics": "wenlu.corpus.token_corpus",
        "Tokens": "wenlu.corpus.counting",
        "Vocabulary": "wenlu.corpus.vocabulary",
        "Words": "wenlu.corpus.counting",
        "build_vocabulary": "wenlu.corpus.vocabulary",
        "count": "wenlu.corpus.counting",
        "read_documents": "wenlu.corpus.documents",
        "read_groups": "wenlu.corpus.groups",
        "shuffle": "wenlu.corpus.shuffling",
        "split_sentences": "wenlu.corpus.sentences",
        "stats": "wenlu.corpus.statistics",
        "vocabulary_fingerprint": "wenlu.corpus.token_corpus",
        "write_tokens": "wenlu.corpus.tokens",
    },
)

__all__ = [
    "CorpusStats",
    "CountPlan",
    "CountSummary",
    "Document",
    "NGrams",
    "Record",
    "Shuffled",
    "SingleCharacters",
    "TokenCorpus",
    "TokenStatistics",
    "Tokens",
    "Vocabulary",
    "Words",
    "build_vocabulary",
    "count",
    "open_bytes",
    "read_document",
    "read_documents",
    "read_groups",
    "read_records",
    "shuffle",
    "split_sentences",
    "stats",
    "vocabulary_fingerprint",
    "write_jsonl",
    "write_tokens",
]
