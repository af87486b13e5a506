"""Text as a model reads it: WordPiece tokens, with exact offsets into the original string."""

from wenlu.text.joining import Joined
from wenlu.text.normalization import CASED, UNCASED, Normalization
from wenlu.text.tokenizer import Encoding, Tokenizer

__all__ = ["CASED", "UNCASED", "Encoding", "Joined", "Normalization", "Tokenizer"]
