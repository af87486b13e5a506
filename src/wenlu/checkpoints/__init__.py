"""Tensor names and layouts of other libraries: safe reading and atomic writing."""

from wenlu.checkpoints.checkpoint import Checkpoint, Notes
from wenlu.checkpoints.export import write_huggingface
from wenlu.checkpoints.expressible import expressible
from wenlu.checkpoints.native import write_wenlu
from wenlu.checkpoints.read import read_checkpoint
from wenlu.checkpoints.recognise import Layout, recognise, tokenizer_files

__all__ = [
    "Checkpoint",
    "Layout",
    "Notes",
    "expressible",
    "read_checkpoint",
    "recognise",
    "tokenizer_files",
    "write_huggingface",
    "write_wenlu",
]
