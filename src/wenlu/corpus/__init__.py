"""Raw text and labelled rows, of any size, each with the place it came from; text as tokens."""

from typing import TYPE_CHECKING

from wenlu.corpus.compressed import open_bytes
from wenlu.corpus.records import Record, read_document, read_records, write_jsonl
from wenlu.lazy import exports

if TYPE_CHECKING:
    from wenlu.corpus.documents import Document, read_documents
    from wenlu.corpus.sentences import split_sentences
    from wenlu.corpus.token_corpus import TokenCorpus, TokenStatistics, vocabulary_fingerprint
    from wenlu.corpus.tokens import write_tokens
    from wenlu.corpus.vocabulary import Vocabulary, build_vocabulary

__getattr__ = exports(
    __name__,
    {
        "Document": "wenlu.corpus.documents",
        "TokenCorpus": "wenlu.corpus.token_corpus",
        "TokenStatistics": "wenlu.corpus.token_corpus",
        "Vocabulary": "wenlu.corpus.vocabulary",
        "build_vocabulary": "wenlu.corpus.vocabulary",
        "read_documents": "wenlu.corpus.documents",
        "split_sentences": "wenlu.corpus.sentences",
        "vocabulary_fingerprint": "wenlu.corpus.token_corpus",
        "write_tokens": "wenlu.corpus.tokens",
    },
)

__all__ = [
    "Document",
    "Record",
    "TokenCorpus",
    "TokenStatistics",
    "Vocabulary",
    "build_vocabulary",
    "open_bytes",
    "read_document",
    "read_documents",
    "read_records",
    "split_sentences",
    "vocabulary_fingerprint",
    "write_jsonl",
    "write_tokens",
]
