"""Raw text and labelled rows, of any size, each with the place it came from."""

from wenlu.corpus.compressed import open_bytes
from wenlu.corpus.records import Record, read_document, read_records, write_jsonl

__all__ = ["Record", "open_bytes", "read_document", "read_records", "write_jsonl"]
