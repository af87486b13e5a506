"""Text as a model reads it: WordPiece tokens, with exact offsets into the original string."""

from wenlu.text.alignment import Offsets, nearest, text_span, token_span
from wenlu.text.joining import Joined
from wenlu.text.normalization import CASED, UNCASED, Normalization
from wenlu.text.tokenizer import Encoding, Tokenizer
from wenlu.text.windows import Window, windows

__all__ = [
    "CASED",
    "UNCASED",
    "Encoding",
    "Joined",
    "Normalization",
    "Offsets",
    "Tokenizer",
    "Window",
    "nearest",
    "text_span",
    "token_span",
    "windows",
]
